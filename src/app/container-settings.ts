/**
 * What the options of `run` and `create` give to a container beside its image, command and mounts: rights, limits of resources, names, files. Docker's checks and words.
 */
import { existsSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { readBounded } from '../base/bounded-file.ts';
import { errorMaker, systemCode } from '../base/errors.ts';
import { parseSignal } from '../containers/signal-container.ts';
import type { ContainerConfig } from '../oci/types.ts';
import { capabilityName } from '../runtime/capabilities.ts';
import type { BindMount, Confinement, Process } from '../runtime/types.ts';
import type { App } from './app.ts';
import { findInit } from './find-init.ts';
import { readSurroundings } from './step-surroundings.ts';

type SettingErrors = {
  RUN_OPTION: { option: string; problem: string };
};
const settingError = errorMaker<SettingErrors>({
  RUN_OPTION: ({ option, problem }) => `${option}: ${problem}`,
});
const wrong = (option: string, problem: string): Error => settingError('RUN_OPTION', { option, problem });

/** As the options are written. */
export interface SettingsRequest {
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly privileged: boolean;
  readonly securityOpts: readonly string[];
  readonly readOnly: boolean;
  readonly envFiles: readonly string[];
  readonly labelFiles: readonly string[];
  readonly stopSignal?: string | undefined;
  readonly stopTimeout?: string | undefined;
  readonly addHosts: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly shmSize?: string | undefined;
  readonly ulimits: readonly string[];
  readonly sysctls: readonly string[];
  readonly groups: readonly string[];
  readonly domainname?: string | undefined;
  readonly devices: readonly string[];
  readonly oomScoreAdj?: string | undefined;
  readonly pid?: string | undefined;
  readonly ipc?: string | undefined;
  readonly userns?: string | undefined;
  readonly uts?: string | undefined;
  readonly init: boolean;
}

/** What becomes of them. */
export interface ContainerSettings {
  readonly process: Partial<Process>;
  readonly config: Pick<ContainerConfig, 'StopSignal' | 'StopTimeout'>;
  readonly binds: readonly BindMount[];
}

/** @throws RUN_OPTION, CONTAINER_SIGNAL, BUILD_ADD_HOST, BUILD_SHM_SIZE, BUILD_ULIMIT */
export function readSettings(app: App, o: SettingsRequest, network: Process['network']): ContainerSettings {
  refuseForeignNamespaces(app, o);
  if (o.stopSignal !== undefined) parseSignal(o.stopSignal);
  const { hosts, shmBytes, limits } = readSurroundings({
    addHosts: o.addHosts,
    shmSize: o.shmSize,
    ulimits: o.ulimits,
  });
  const sysctls = {
    ...Object.fromEntries(o.sysctls.map((text) => readSysctl(text, network === 'host'))),
    ...(o.domainname !== undefined && { 'kernel.domainname': o.domainname }),
  };
  const confinement: Confinement = {
    ...(o.capAdd.length > 0 && { capAdd: o.capAdd.map((text) => readCapability('--cap-add', text)) }),
    ...(o.capDrop.length > 0 && { capDrop: o.capDrop.map((text) => readCapability('--cap-drop', text)) }),
    ...readSecurity(o.securityOpts),
    ...(o.readOnly && { readOnlyRoot: true }),
    ...(Object.keys(sysctls).length > 0 && { sysctls }),
    ...(o.oomScoreAdj !== undefined && { oomScoreAdj: readOomScore(o.oomScoreAdj) }),
  };
  const { dns, dnsSearch, dnsOptions } = o;
  for (const server of dns)
    if (isIP(server) === 0) throw wrong(`--dns ${server}`, `${server} is not an ip address`);
  const hasDns = dns.length + dnsSearch.length + dnsOptions.length > 0;
  return {
    process: {
      hosts,
      shmBytes,
      limits,
      ...(o.privileged && { privileged: true }),
      ...(o.init && { init: needInit(app) }),
      ...(Object.keys(confinement).length > 0 && { confinement }),
      ...(o.groups.length > 0 && { groups: o.groups }),
      ...(hasDns && { dns: { servers: dns, search: dnsSearch, options: dnsOptions } }),
    },
    config: {
      ...(o.stopSignal !== undefined && { StopSignal: o.stopSignal }),
      ...(o.stopTimeout !== undefined && { StopTimeout: readSeconds(o.stopTimeout) }),
    },
    binds: o.devices.map((text) => readDevice(text)),
  };
}

function needInit(app: App): string {
  const found = findInit(app.settings.environment.PATH ?? '');
  if (found === undefined)
    throw wrong(
      '--init',
      'no static docker-init, catatonit or tini is here; packages tini and catatonit have one',
    );
  return found;
}

function readCapability(option: string, text: string): string {
  const name = capabilityName(text);
  if (name === undefined)
    throw wrong(`${option} ${text}`, `unknown capability: "CAP_${text.toUpperCase().replace(/^CAP_/, '')}"`);
  return name;
}

/** Largest profile that is read. */
const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

function readSecurity(options: readonly string[]): Confinement {
  const found: { -readonly [K in keyof Confinement]: Confinement[K] } = {};
  for (const text of options) {
    const option = `--security-opt ${text}`;
    // docker takes the older `:` too.
    const [, key = '', value] = /^([a-z-]+)(?:[=:](.*))?$/.exec(text) ?? [];
    if (key === 'no-new-privileges') {
      if (value !== undefined && value !== 'true' && value !== 'false')
        throw wrong(option, 'want true or false');
      found.noNewPrivileges = value !== 'false';
    } else if (value === undefined) throw wrong(option, 'invalid --security-opt');
    else if (key === 'seccomp') {
      if (value !== 'builtin') found.seccomp = value === 'unconfined' ? value : readProfile(option, value);
    } else if (key === 'systempaths' && value === 'unconfined') found.unmasked = true;
    else if (key === 'apparmor') {
      if (value !== 'unconfined')
        throw wrong(option, 'no AppArmor profile is put on containers here; unconfined is what they are');
    } else if (key === 'label') {
      if (value !== 'disable')
        throw wrong(option, 'no SELinux label is put on containers here; label=disable is what they are');
    } else throw wrong(option, 'invalid --security-opt');
  }
  return found;
}

function readProfile(option: string, path: string): Readonly<Record<string, unknown>> {
  try {
    const bytes = readBounded(path, MAX_PROFILE_BYTES);
    if ('why' in bytes) throw wrong(option, `${path}: ${bytes.why}`);
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
    throw wrong(option, `${path} is no JSON object`);
  } catch (error) {
    if (error instanceof SyntaxError)
      throw wrong(option, `decoding seccomp profile failed: ${error.message}`);
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw wrong(option, `opening seccomp profile (${path}) failed: ${code}`);
  }
}

/** Those that the kernel keeps apart for each container, as docker has them. */
const SYSCTLS =
  /^(?:kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\.[a-z0-9_]+|net\.[A-Za-z0-9_.-]+)$/;

function readSysctl(text: string, isHostNetwork: boolean): [string, string] {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(0, equals));
  if (!SYSCTLS.test(name) || name.includes('..') || name.endsWith('.')) {
    throw wrong(`--sysctl ${text}`, `sysctl '${text}' is not whitelisted`);
  }
  if (name.startsWith('net.') && isHostNetwork) {
    throw wrong(`--sysctl ${text}`, `sysctl '${name}' not allowed in host network namespace`);
  }
  return [name, text.slice(equals + 1)];
}

function readOomScore(text: string): number {
  const value = /^-?\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= -1000 && value <= 1000)) {
    throw wrong(`--oom-score-adj ${text}`, `invalid value ${text}, range for oom score adj is [-1000, 1000]`);
  }
  return value;
}

function readSeconds(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw wrong(`--stop-timeout ${text}`, 'invalid number of seconds');
  return Number(text);
}

/** `/dev/x[:/dev/y[:rwm]]`. */
function readDevice(text: string): BindMount {
  const option = `--device ${text}`;
  const [source = '', second = '', third = ''] = text.split(':');
  const isMode = (word: string): boolean => /^[rwm]{1,3}$/.test(word);
  const target = second === '' || (third === '' && isMode(second)) ? source : second;
  const mode = third !== '' ? third : isMode(second) ? second : 'rwm';
  if (!source.startsWith('/') || !target.startsWith('/') || !isMode(mode))
    throw wrong(option, 'invalid device specification');
  if (!mode.includes('r') || !mode.includes('w')) {
    throw wrong(
      option,
      'a device is shown for reading and writing: other rights need a cgroup, which is not made for devices',
    );
  }
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(source);
  } catch (error) {
    throw wrong(
      option,
      `error gathering device information while adding custom device "${source}": ${systemCode(error)}`,
    );
  }
  if (!stat.isCharacterDevice() && !stat.isBlockDevice())
    throw wrong(option, `"${source}" is not a device node`);
  return { source, target, readOnly: false };
}

/** The namespaces of a container are its own: it ends with them. */
function refuseForeignNamespaces(app: App, o: SettingsRequest): void {
  const why = 'a container has a namespace of its own, which ends with it';
  if (o.pid !== undefined && o.pid !== '') throw wrong(`--pid ${o.pid}`, why);
  if (o.ipc !== undefined && !['', 'private', 'shareable'].includes(o.ipc))
    throw wrong(`--ipc ${o.ipc}`, why);
  if (o.uts !== undefined && o.uts !== '') throw wrong(`--uts ${o.uts}`, why);
  if (o.domainname !== undefined && app.settings.uid !== 0)
    throw wrong('--domainname', 'only root can give one');
  if (o.userns === undefined || o.userns === '') return;
  if (o.userns !== 'host') throw wrong(`--userns ${o.userns}`, 'invalid USER mode, want host');
  if (app.settings.uid !== 0) throw wrong('--userns host', 'an ordinary user needs a user namespace');
}

/** Largest file of variables or labels that is read. */
const MAX_LINES_BYTES = 8 * 1024 * 1024;

/** Lines of a file of `NAME=value`: comments and empty ones left out. A name alone stays alone. @throws RUN_OPTION */
export function readNameFile(option: string, path: string): string[] {
  const asked = `${option} ${path}`;
  let text: string;
  try {
    const bytes = readBounded(path, MAX_LINES_BYTES);
    if ('why' in bytes) throw wrong(asked, bytes.why);
    text = bytes.toString('utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw wrong(
      asked,
      code === 'ENOENT' ? `open ${path}: no such file or directory` : `open ${path}: ${code}`,
    );
  }
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = ''] = line.split('=', 1);
      if (name === '') throw wrong(asked, `no variable name on line '${line}'`);
      if (/\s/.test(name)) throw wrong(asked, `variable '${name}' contains whitespaces`);
      return line;
    });
}

/** The file that gets the container's id must not be there. @throws RUN_OPTION */
export function refuseCidFile(path: string): void {
  if (!existsSync(path)) return;
  throw wrong(
    `--cidfile ${path}`,
    `container ID file found, make sure the other container isn't running or delete ${path}`,
  );
}
