import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { errorMaker, systemCode } from '../base/errors.ts';
import type { Image } from '../image/types.ts';
import { isLeftOver, ownerId } from '../store/owner.ts';
import type { App } from './app.ts';
import { findOrPull } from './find-or-pull.ts';
import { type RunOptions, requestOf } from './run-container.ts';

type BundleErrors = {
  BUNDLE_EXISTS: { folder: string };
  BUNDLE_FOLDER: { folder: string; problem: string };
};
const bundleError = errorMaker<BundleErrors>({
  BUNDLE_EXISTS: ({ folder }) => ({
    message: `${folder} is there already, and is no empty folder`,
    hint: 'a bundle is written into a folder of its own: name another one, or remove this one',
  }),
  BUNDLE_FOLDER: ({ folder, problem }) => `no bundle can be written to ${folder}: ${problem}`,
});

export interface BundleOptions
  extends Pick<
    RunOptions,
    'image' | 'command' | 'entrypoint' | 'env' | 'workdir' | 'user' | 'tty' | 'pull' | 'onPulled'
  > {
  /** Where it is to be; made, with the folders above it. */
  readonly folder: string;
  readonly network: 'host' | 'none';
  readonly hostname?: string | undefined;
}

/**
 * Writes an image as an OCI runtime bundle, all or nothing: what is written lies beside the folder under another name until it is whole.
 * @throws BUNDLE_EXISTS, BUNDLE_FOLDER, RUN_NO_COMMAND, RUNTIME_…, and as `findOrPull`
 */
export async function writeBundle(app: App, o: BundleOptions): Promise<void> {
  const folder = resolve(o.folder);
  refuseFilled(folder);
  const { image } = await findOrPull(app, o.image, o.pull ?? {});
  o.onPulled?.();
  const { process: wanted } = requestOf(app, image, {
    ...o,
    remove: true,
    volumes: [],
    interactive: false,
  });
  const store = await app.store();
  const lease = await store.lease();
  try {
    const keeper = await app.keeper();
    const parent = dirname(folder);
    const begun = makeBegun(folder, parent);
    const remove = (path: string): Promise<void> => keeper.removeFolder(path);
    try {
      await removeLeftOvers(parent, basename(folder), remove);
      await keeper.writeBundle(
        {
          layers: image.layers.map(({ blob, diffId }) => ({ blob, diffId })),
          process: { ...wanted, hostname: o.hostname ?? 'dobos' },
          folder: begun,
          annotations: bundleAnnotations(image),
          nodeArchitecture: NODE_NAMES[image.config.architecture] ?? process.arch,
        },
        { signal: o.pull?.signal },
      );
      publish(begun, folder);
    } catch (error) {
      await remove(begun).catch(() => undefined);
      throw error;
    }
  } finally {
    await lease.release();
  }
}

/** Node's names of architectures, where they are not those of images. */
const NODE_NAMES: Readonly<Record<string, string>> = {
  amd64: 'x64',
  arm64: 'arm64',
  ppc64le: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
};

/** A file name too long for its folder is told before anything is written. */
function makeBegun(folder: string, parent: string): string {
  const begun = join(parent, `${prefixOf(basename(folder))}${ownerId()}`);
  try {
    makeFolders(parent);
    mkdirSync(begun, { mode: 0o755 });
  } catch (error) {
    throw bundleError(
      'BUNDLE_FOLDER',
      { folder, problem: systemCode(error) ?? String(error) },
      { cause: error },
    );
  }
  return begun;
}

/** Not Node's own way, which never ends where the kernel says that there is no such folder (`/proc`). */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path);
}

const prefixOf = (name: string): string => `.${name}.begun-`;

/** What commands that were killed have left of this very bundle. */
async function removeLeftOvers(
  parent: string,
  name: string,
  remove: (path: string) => Promise<void>,
): Promise<void> {
  const prefix = prefixOf(name);
  for (const each of readdirSync(parent)) {
    const path = join(parent, each);
    if (each.startsWith(prefix) && isLeftOver(path, each.slice(prefix.length))) await remove(path);
  }
}

/** An empty folder is replaced. @throws BUNDLE_EXISTS, BUNDLE_FOLDER */
function publish(begun: string, folder: string): void {
  try {
    renameSync(begun, folder);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR')
      throw bundleError('BUNDLE_EXISTS', { folder });
    throw bundleError('BUNDLE_FOLDER', { folder, problem: code ?? String(error) }, { cause: error });
  }
}

/** @throws BUNDLE_EXISTS, BUNDLE_FOLDER */
function refuseFilled(folder: string): void {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const code = systemCode(error) ?? String(error);
    if (code === 'ENOENT') return;
    if (code === 'ENOTDIR') throw bundleError('BUNDLE_EXISTS', { folder });
    throw bundleError('BUNDLE_FOLDER', { folder, problem: code }, { cause: error });
  }
  if (names.length > 0) throw bundleError('BUNDLE_EXISTS', { folder });
}

/** Annotations that runtimes take as orders: a label of an image must not give any (CVE-2026-53488). */
const ORDERS =
  /^(?:run\.oci\.|io\.containers\.|io\.katacontainers\.|io\.kubernetes\.|dev\.gvisor\.|org\.systemd\.property\.|org\.criu\.)/;

/** What the image says of itself, under the names of the image specification's conversion; labels come before what is made from other fields. */
export function bundleAnnotations({ config }: Pick<Image, 'config'>): Record<string, string> {
  const { config: run = {} } = config;
  const facts = {
    os: config.os,
    architecture: config.architecture,
    variant: config.variant,
    'os.version': config['os.version'],
    'os.features': config['os.features']?.join(','),
    author: config.author,
    created: config.created,
    stopSignal: run.StopSignal,
    exposedPorts: Object.keys(run.ExposedPorts ?? {}).join(','),
  };
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== '');
  return {
    ...Object.fromEntries(known.map(([key, value]) => [`org.opencontainers.image.${key}`, String(value)])),
    ...Object.fromEntries(Object.entries(run.Labels ?? {}).filter(([key]) => !ORDERS.test(key))),
  };
}
