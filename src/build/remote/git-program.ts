/**
 * The git program, started so that it asks nobody, reads no configuration but what stands here, and speaks only to other machines.
 * @module
 */
import { spawn } from 'node:child_process';
import { systemCode } from '../../base/errors.ts';
import type { CallOptions } from '../../base/options.ts';
import { buildError } from '../errors.ts';
import type { GitSetting, RemoteSecrets } from './remote-auth.ts';

/** Variables that git may have from the caller: `PATH`, `SSH_AUTH_SOCK`, proxies. */
export type GitEnvironment = Readonly<Record<string, string | undefined>>;

/** What git is given to reach repositories. */
export interface GitAccess {
  readonly env: GitEnvironment;
  /** Those that prove who asks. */
  readonly secrets?: RemoteSecrets | undefined;
}

export interface Git {
  /** What the command prints. `doing` is for messages: "cannot fetch". @throws BUILD_GIT, BUILD_GIT_MISSING */
  run(doing: string, args: readonly string[], o?: CallOptions & { readonly cwd?: string }): Promise<string>;
}

export interface GitOptions {
  readonly env: GitEnvironment;
  /** Given where only this process's user can read them. */
  readonly settings?: readonly GitSetting[] | undefined;
  /** For messages: the repository without user and password. */
  readonly shown: string;
}

/** Names taken over from the caller's environment; everything else could run something or change what is fetched. */
const PASSED = [
  'PATH',
  'SSH_AUTH_SOCK',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Remotes of the Dockerfile and of submodules: no `file:` and no `ext:`, which would read this machine or run its programs. */
const PROTOCOLS = 'http:https:git:ssh';
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.symlinks=true',
  'core.autocrlf=false',
  'credential.helper=',
  'advice.detachedHead=false',
  'gc.auto=0',
  'maintenance.auto=false',
  // A server that says nothing for a minute is left.
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
];
/** Milliseconds for one command: a large repository over a slow line. */
const MAX_MS = 60 * 60 * 1000;
/** Bytes of output that are read: names of refs, of which at most a few are asked for. */
const MAX_OUTPUT = 4 * 1024 * 1024;
const MAX_ERROR_TEXT = 4096;

/** Git for one repository. */
export function createGit(o: GitOptions): Git {
  const env = { ...environment(o.env), ...settingVariables(o.settings ?? []) };
  return {
    // Field by field: whatever else a caller's options hold, its environment is not git's.
    run: (doing, args, { signal, cwd } = {}) => run(args, { env, shown: o.shown, doing, signal, cwd }),
  };
}

function environment(given: GitEnvironment): Record<string, string> {
  const passed = PASSED.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]));
  return {
    PATH: DEFAULT_PATH,
    ...Object.fromEntries(passed),
    // A folder that is no folder: older versions know no GIT_CONFIG_GLOBAL.
    HOME: '/dev/null',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: PROTOCOLS,
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    GIT_LFS_SKIP_SMUDGE: '1',
  };
}

/** The command line of a program is for everybody to see, its environment is not. */
function settingVariables(settings: readonly GitSetting[]): Record<string, string> {
  if (settings.length === 0) return {};
  const pairs = settings.flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, name],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) };
}

interface Running extends CallOptions {
  readonly env: Record<string, string>;
  readonly shown: string;
  readonly doing: string;
  readonly cwd?: string | undefined;
}

function run(args: readonly string[], o: Running): Promise<string> {
  o.signal?.throwIfAborted();
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  // A group of its own, so that what git starts ends with it.
  const child = spawn('git', [...settings, ...args], {
    env: o.env,
    cwd: o.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const fail = (said: string): Error => buildError('BUILD_GIT', { url: o.shown, doing: o.doing, said });
  let reason: unknown;
  const end = (why: unknown): void => {
    reason ??= why;
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if (systemCode(error) !== 'ESRCH') throw error;
    }
  };
  const onAbort = (): void => end(o.signal?.reason);
  o.signal?.addEventListener('abort', onAbort, { once: true });
  const limit = setTimeout(() => end(fail(`no end after ${MAX_MS / 60_000} minutes`)), MAX_MS);
  const output: Buffer[] = [];
  let size = 0;
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_OUTPUT) end(fail(`more than ${MAX_OUTPUT} bytes of output`));
    else output.push(chunk);
  });
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-MAX_ERROR_TEXT);
  });
  return new Promise<string>((resolve, reject) => {
    child.on('error', (error) => {
      const missing = systemCode(error) === 'ENOENT';
      reason ??= missing ? buildError('BUILD_GIT_MISSING', { url: o.shown }, { cause: error }) : error;
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      o.signal?.removeEventListener('abort', onAbort);
      if (reason !== undefined) reject(reason);
      else if (code === 0) resolve(Buffer.concat(output).toString('utf8'));
      else reject(fail(lastLines(errors)));
    });
  });
}

/** The end of what git said, on one line, without passwords. */
function lastLines(text: string): string {
  const lines = text
    .replace(/\/\/[^/@\s]*@/g, '//')
    .split('\n')
    .map((line) => line.replace(/[\x00-\x1f\x7f]/g, ' ').trim())
    .filter((line) => line !== '');
  return lines.slice(-3).join('; ') || 'it says nothing';
}
