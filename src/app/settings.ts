/**
 * What the surroundings say, read once at the door: the environment never reaches a lower room by itself.
 * @module
 */
import { resolve } from 'node:path';
import { childEnvironment } from '../base/child-environment.ts';
import { errorMaker } from '../base/errors.ts';
import type { ProxySettings } from '../http/types.ts';
import type { Platform } from '../oci/types.ts';

type SettingsErrors = {
  SETTINGS_EPOCH: { value: string };
  SETTINGS_HOME: Record<string, never>;
};
const settingsError = errorMaker<SettingsErrors>({
  SETTINGS_EPOCH: ({ value }) => ({
    message: `SOURCE_DATE_EPOCH is "${value}", want seconds since 1970 as a whole number`,
    hint: 'git log -1 --format=%ct gives that of the last commit',
  }),
  SETTINGS_HOME: () => ({
    message: 'this user has no home folder, where the store would be',
    hint: 'name a folder for it in DOBOS_ROOT',
  }),
});

export interface Settings {
  /** The absolute path of the store: an OCI layout. */
  readonly storeFolder: string;
  /** `auto`, the name or path of an OCI runtime, `chroot`, or `unisolated`. */
  readonly runtime: string;
  readonly hostPlatform: Platform;
  /** SOURCE_DATE_EPOCH in seconds. @throws SETTINGS_EPOCH */
  readonly epoch: () => number | undefined;
  readonly uid: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Values for `--build-arg NAME` without a value, and the predefined proxy arguments. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** That of processes which go on with our own work. */
  readonly childEnvironment: Readonly<Record<string, string | undefined>>;
  /** Empty when the user has none. */
  readonly home: string;
  readonly proxies: ProxySettings;
  /** `DOBOS_TRUSTED_HOSTS`: hosts that may have private addresses, and token servers that may see a registry's credentials. */
  readonly trustedHosts: readonly string[];
  /** `DOBOS_INSECURE_REGISTRIES`: hosts without TLS, or with a certificate that nobody vouches for. */
  readonly insecureRegistries: readonly string[];
}

export interface SettingsSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Empty when the user has none. */
  readonly home: string;
  /** Node's words: `x64`, `linux`. */
  readonly arch: string;
  readonly platform: string;
  readonly now: () => number;
}

/** @throws SETTINGS_HOME */
export function readSettings(source: SettingsSource): Settings {
  const { env, uid, home } = source;
  if (uid !== 0 && home === '' && !env.DOBOS_ROOT && !env.XDG_DATA_HOME)
    throw settingsError('SETTINGS_HOME', {});
  const dataHome = env.XDG_DATA_HOME || `${home}/.local/share`;
  return {
    storeFolder: resolve(env.DOBOS_ROOT || (uid === 0 ? '/var/lib/dobos' : `${dataHome}/dobos`)),
    runtime: env.DOBOS_RUNTIME || 'auto',
    hostPlatform: { os: 'linux', architecture: GO_ARCH[source.arch] ?? source.arch },
    epoch: () => parseEpoch(env.SOURCE_DATE_EPOCH),
    uid,
    now: source.now,
    environment: env,
    childEnvironment: childEnvironment(env),
    home,
    proxies: readProxies(env),
    trustedHosts: words(env.DOBOS_TRUSTED_HOSTS),
    insecureRegistries: words(env.DOBOS_INSECURE_REGISTRIES),
  };
}

/**
 * The lower-case names first, as everybody does. In a CGI program `HTTP_PROXY` is the header `Proxy` of whoever asks, so it does not count there.
 */
function readProxies(env: SettingsSource['env']): ProxySettings {
  const all = env.all_proxy || env.ALL_PROXY || undefined;
  const byHeader = env.REQUEST_METHOD === undefined ? env.HTTP_PROXY : undefined;
  return {
    http: env.http_proxy || byHeader || all,
    https: env.https_proxy || env.HTTPS_PROXY || all,
    none: env.no_proxy || env.NO_PROXY || undefined,
  };
}

const words = (list: string | undefined): readonly string[] =>
  (list ?? '').split(/[\s,]+/).filter((word) => word !== '');

/** Node's names of architectures in Go's words, where they differ. */
const GO_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** @throws SETTINGS_EPOCH */
export function parseEpoch(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (!/^\d{1,12}$/.test(value)) throw settingsError('SETTINGS_EPOCH', { value });
  return Number(value);
}
