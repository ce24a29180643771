import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import { type ResolvedUser, resolveUser } from '../image/user.ts';
import { runtimeError } from './errors.ts';
import { findExecutable } from './find-executable.ts';
import { withNameservers } from './network/nameservers.ts';
import { readOwnNamespace } from './own-namespace.ts';
import {
  kindInRoot,
  makeDirectories,
  makeEmptyFile,
  missingIn,
  type RootPath,
  resolveInRoot,
} from './root-path.ts';
import type { BindMount, DnsChoice, Process, ProcessRoot } from './types.ts';

/** Docker's search path when the image has none (oci.md c.1). */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A host file or folder shown in the container. */
export interface FileBind {
  readonly source: string;
  /** Where in the root, relative, free of symbolic links. */
  readonly target: string;
  readonly kind: 'file' | 'directory' | 'device';
  readonly readOnly: boolean;
  readonly without?: BindMount['without'];
  readonly own?: BindMount['own'];
}

/** A process whose names are resolved against the root that it will run in. */
export interface PreparedProcess {
  /** The container's path of the program. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: ResolvedUser;
  /** Sorted so that parents come before what is mounted into them. */
  readonly binds: readonly FileBind[];
}

/** `refused`: the process cannot be started; the exit code and message are docker's. */
export type Preparation = { readonly mountPoints: readonly string[] } & (
  | { readonly kind: 'ready'; readonly process: PreparedProcess }
  | { readonly kind: 'refused'; readonly code: 126 | 127; readonly message: string }
);

/**
 * Resolves user, environment, working directory and program, and makes the mount points that the root lacks (they are reported, so that a
 * commit leaves them out; a missing working directory is made too and stays, as in docker). Private copies of resolv.conf and hosts go to `folder`.
 * The root is mounted and nothing runs in it yet.
 * @throws RUNTIME_NO_COMMAND, RUNTIME_CWD, RUNTIME_BIND_SOURCE, RUNTIME_BIND_TARGET, RUNTIME_MOUNT_POINT, RUNTIME_USER_FILE, RUNTIME_UNMAPPED_ID,
 * RUNTIME_ZERO_BYTE and those of resolveUser
 */
export function prepareProcess(root: ProcessRoot, wanted: Process): Preparation {
  const { merged } = root;
  const { name, user, env, cwd } = resolveProcess(merged, wanted);
  const { binds, mountPoints } = makeMountPoints(root, withInit(wanted));
  const found = findExecutable({
    root: merged,
    name,
    searchPath: variableIn(env, 'PATH') ?? '',
    cwd,
    user,
    covered: binds.map(({ target }) => target),
    shown: new Map(binds.flatMap(({ kind, target, source }) => (kind === 'file' ? [[target, source]] : []))),
  });
  if (found.kind === 'refused') return { ...found, mountPoints };
  return {
    kind: 'ready',
    mountPoints,
    process: { ...started(found.path, wanted), env, cwd, user, binds },
  };
}

/** Where docker shows its init, too. */
const INIT = '/sbin/docker-init';

const withInit = (wanted: Process): Process =>
  wanted.init === undefined
    ? wanted
    : { ...wanted, binds: [...wanted.binds, { source: wanted.init, target: INIT, readOnly: true }] };

/** What is started: the program itself, or its init with it. */
const started = (program: string, { init, args }: Process): Pick<PreparedProcess, 'program' | 'args'> =>
  init === undefined ? { program, args } : { program: INIT, args: [INIT, '--', ...args] };

/**
 * What the process's names mean in a root, which gets its working directory if that is missing.
 * @throws RUNTIME_NO_COMMAND, RUNTIME_CWD, RUNTIME_USER_FILE, RUNTIME_UNMAPPED_ID, RUNTIME_ZERO_BYTE and those of resolveUser
 */
export function resolveProcess(
  merged: string,
  wanted: Process,
): { readonly name: string } & Pick<PreparedProcess, 'user' | 'env' | 'cwd'> {
  const name = wanted.args[0];
  if (name === undefined || name === '') throw runtimeError('RUNTIME_NO_COMMAND', {});
  refuseZeroBytes(wanted);
  const user = resolveUserIn(merged, wanted);
  return { name, user, env: environment(wanted, user), cwd: makeWorkingDirectory(merged, wanted.cwd) };
}

/** The user that a name means in a root, with its groups and those given besides. @throws RUNTIME_USER_FILE, RUNTIME_UNMAPPED_ID and those of resolveUser */
export function resolveUserIn(
  root: string,
  { user, groups = [] }: Pick<Process, 'user' | 'groups'>,
): ResolvedUser {
  const passwd = readUserFile(root, '/etc/passwd');
  const group = readUserFile(root, '/etc/group');
  const found = resolveUser(user, passwd, group);
  const others = groups.map((name) => resolveUser(`0:${name}`, passwd, group).gid);
  return mappedUser({ ...found, groups: [...new Set([...found.groups, ...others])] });
}

/** @throws RUNTIME_ZERO_BYTE */
export function refuseZeroBytes(wanted: Pick<Process, 'args' | 'env' | 'cwd'>): void {
  const check = (what: string, texts: readonly string[]): void => {
    if (texts.some((text) => text.includes('\0'))) throw runtimeError('RUNTIME_ZERO_BYTE', { what });
  };
  check('an argument', wanted.args);
  check('an environment variable', wanted.env);
  check('the working directory', [wanted.cwd]);
}

/** @throws RUNTIME_UNMAPPED_ID */
function mappedUser(user: ResolvedUser): ResolvedUser {
  const own = readOwnNamespace();
  if (!own.hasUser(user.uid)) throw runtimeError('RUNTIME_UNMAPPED_ID', { id: user.uid });
  if (!own.hasGroup(user.gid)) throw runtimeError('RUNTIME_UNMAPPED_ID', { id: user.gid });
  return { ...user, groups: user.groups.filter((gid) => own.hasGroup(gid)) };
}

/** Real files hold a few KiB; more would only slow every start down (CVE-2024-9676). */
const MAX_USER_FILE_BYTES = 10 * 1024 * 1024;

/** A file of the root that names users; undefined if there is none. @throws RUNTIME_USER_FILE */
function readUserFile(merged: string, path: string): string | undefined {
  const place = resolveInRoot(merged, path);
  const kind = kindInRoot(place);
  if (kind === 'missing') return undefined;
  if (kind !== 'file') throw runtimeError('RUNTIME_USER_FILE', { path, got: `a ${kind} thing` });
  const fd = openSync(fsPath(place.host), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw runtimeError('RUNTIME_USER_FILE', { path, got: 'not a file' });
    if (stat.size > MAX_USER_FILE_BYTES) {
      throw runtimeError('RUNTIME_USER_FILE', { path, got: `${stat.size} bytes` });
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/** Docker's order: what it adds, then the given ones (the last of a name wins), HOME at the end (oci.md c.1). */
export function environment(wanted: Pick<Process, 'env' | 'hostname' | 'tty'>, user: ResolvedUser): string[] {
  const variables = new Map<string, string>([['PATH', DEFAULT_PATH]]);
  if (wanted.hostname !== '') variables.set('HOSTNAME', wanted.hostname);
  if (wanted.tty) variables.set('TERM', 'xterm');
  for (const variable of wanted.env) {
    const equals = variable.indexOf('=');
    if (equals > 0) variables.set(variable.slice(0, equals), variable.slice(equals + 1));
  }
  if (!variables.has('HOME')) variables.set('HOME', user.home);
  return [...variables].map(([key, value]) => `${key}=${value}`);
}

/** The value of a variable; undefined if there is none. */
export function variableIn(env: readonly string[], name: string): string | undefined {
  return env.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1);
}

function makeWorkingDirectory(merged: string, cwd: string): string {
  if (!cwd.startsWith('/')) throw runtimeError('RUNTIME_CWD', { cwd, want: 'an absolute path' });
  const place = resolveInRoot(merged, posix.normalize(cwd));
  // /proc/self/fd/N would be a directory of the host (CVE-2024-21626).
  if (/^proc(\/|$)/.test(place.relative)) {
    throw runtimeError('RUNTIME_CWD', { cwd, want: 'a path outside /proc' });
  }
  makeDirectories(merged, place);
  if (kindInRoot(place) !== 'directory') throw runtimeError('RUNTIME_CWD', { cwd, want: 'a directory' });
  return `/${place.relative}`;
}

function makeMountPoints(
  root: ProcessRoot,
  wanted: Process,
): { readonly binds: readonly FileBind[]; readonly mountPoints: readonly string[] } {
  const { merged, folder } = root;
  const mountPoints: string[] = [];
  const at = (path: string, kind: 'file' | 'directory'): RootPath => {
    const place = resolveInRoot(merged, path);
    if (kindInRoot(place) === 'missing') {
      root.onMountPoints?.(missingIn(merged, place));
      mountPoints.push(...(kind === 'file' ? makeEmptyFile : makeDirectories)(merged, place));
    }
    const got = kindInRoot(place);
    if ((got === 'directory') !== (kind === 'directory')) {
      throw runtimeError('RUNTIME_MOUNT_POINT', { path, want: `a ${kind}` });
    }
    return place;
  };
  // The kernel's folders are mounted at these very names: a link there would lead the mount elsewhere.
  for (const name of ['proc', 'sys', 'dev']) {
    if (at(`/${name}`, 'directory').relative !== name) {
      throw runtimeError('RUNTIME_MOUNT_POINT', { path: `/${name}`, want: 'a directory, not a link' });
    }
  }
  const binds: FileBind[] = [];
  for (const [path, source] of writeNetworkFiles(folder, wanted)) {
    const target = at(path, 'file').relative;
    if (!isKernels(target)) binds.push({ source, target, kind: 'file', readOnly: false, own: true });
  }
  for (const bind of wanted.binds) binds.push(fileBind(merged, bind, at));
  return { binds: binds.sort((a, b) => depth(a.target) - depth(b.target)), mountPoints };
}

const depth = (path: string): number => path.split('/').length;
const isKernels = (path: string): boolean => /^(?:proc|sys|dev)(?:\/|$)/.test(path);

function fileBind(
  merged: string,
  bind: BindMount,
  at: (path: string, kind: 'file' | 'directory') => RootPath,
): FileBind {
  const { source, readOnly, without, own } = bind;
  const kind = sourceKind(source);
  const path = posix.normalize(bind.target);
  const place = resolveInRoot(merged, path);
  if (!path.startsWith('/') || place.relative === '') {
    throw runtimeError('RUNTIME_BIND_TARGET', { target: bind.target, want: 'an absolute path other than /' });
  }
  if (/^(?:(?:proc|sys)(?:\/|$)|dev$)/.test(place.relative)) {
    throw runtimeError('RUNTIME_BIND_TARGET', {
      target: bind.target,
      want: 'a path outside /proc and /sys, and not /dev itself',
    });
  }
  // Below /dev the container has a fresh file system: the mount point is made there.
  if (!isKernels(place.relative)) at(path, kind === 'directory' ? 'directory' : 'file');
  return { source, target: place.relative, kind, readOnly, without, own };
}

function sourceKind(source: string): FileBind['kind'] {
  try {
    const stat = statSync(fsPath(source));
    if (stat.isDirectory()) return 'directory';
    return stat.isBlockDevice() || stat.isCharacterDevice() ? 'device' : 'file';
  } catch (error) {
    throw runtimeError(
      'RUNTIME_BIND_SOURCE',
      { source, code: systemCode(error) ?? String(error) },
      { cause: error },
    );
  }
}

const LOCAL_HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';

/** Private copies, so that a process can write to them and neither the host nor the layer sees it (oci.md c.3). */
function writeNetworkFiles(
  folder: string,
  wanted: Process,
): readonly (readonly [path: string, source: string])[] {
  const resolvConf = join(folder, 'resolv.conf');
  const hosts = join(folder, 'hosts');
  const { network } = wanted;
  const { address = '127.0.0.1', nameservers = undefined } = typeof network === 'object' ? network : {};
  const servers = readHostFile('/etc/resolv.conf') ?? '';
  const found = nameservers === undefined ? servers : withNameservers(servers, nameservers);
  writeFileSync(resolvConf, resolvText(found, wanted.dns), { mode: 0o644 });
  const own = wanted.hostname === '' ? '' : `${address}\t${wanted.hostname}\n`;
  const given = (wanted.hosts ?? []).map(({ name, address }) => `${address}\t${name}\n`).join('');
  const usual = network === 'host' ? hostHosts() : LOCAL_HOSTS;
  // The first line of a name counts: what was given comes before what the machine says.
  writeFileSync(hosts, given + usual + own, { mode: 0o644 });
  return [
    ['/etc/resolv.conf', resolvConf],
    ['/etc/hosts', hosts],
  ];
}

/** resolv.conf(5): the machine's own, with what was asked for in place of its lines of that kind. */
function resolvText(own: string, dns: DnsChoice | undefined): string {
  if (dns === undefined) return own;
  const { servers, search, options } = dns;
  const kinds = {
    nameserver: servers,
    // docker's way to say: none at all.
    search: search.includes('.') ? [] : search,
    options,
  };
  const replaced = [
    ...(servers.length > 0 ? ['nameserver'] : []),
    ...(search.length > 0 ? ['search', 'domain'] : []),
    ...(options.length > 0 ? ['options'] : []),
  ];
  const kept = own
    .split('\n')
    .filter((line) => line !== '' && !replaced.includes(line.trim().split(/\s+/)[0] ?? ''));
  const given = [
    ...kinds.nameserver.map((server) => `nameserver ${server}`),
    ...(kinds.search.length > 0 ? [`search ${kinds.search.join(' ')}`] : []),
    ...(kinds.options.length > 0 ? [`options ${kinds.options.join(' ')}`] : []),
  ];
  return `${[...given, ...kept].join('\n')}\n`;
}

function hostHosts(): string {
  const text = readHostFile('/etc/hosts') ?? LOCAL_HOSTS;
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function readHostFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
