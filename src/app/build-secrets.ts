/**
 * What `--secret` and `--ssh` of a build name, read at the door: values and sockets by id.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { commaFields } from '../base/comma-fields.ts';
import { errorMaker, systemCode } from '../base/errors.ts';
import type { StepSecrets } from '../build/step-mounts.ts';

type SecretErrors = {
  BUILD_SECRET_OPTION: { text: string; problem: string };
  BUILD_SECRET_SOURCE: { id: string; problem: string };
  BUILD_SSH_OPTION: { text: string; problem: string };
  BUILD_SSH_KEY_FILE: { id: string; path: string };
  BUILD_ALLOW: { text: string };
};
const secretError = errorMaker<SecretErrors>({
  BUILD_SECRET_OPTION: ({ text, problem }) => ({
    message: `--secret ${text}: ${problem}`,
    hint: 'want id=NAME,src=FILE or id=NAME,env=VARIABLE',
  }),
  BUILD_SECRET_SOURCE: ({ id, problem }) => `the secret ${id} cannot be read: ${problem}`,
  BUILD_SSH_OPTION: ({ text, problem }) => ({
    message: `--ssh ${text}: ${problem}`,
    hint: 'want default for the agent of SSH_AUTH_SOCK, or id=SOCKET',
  }),
  BUILD_SSH_KEY_FILE: ({ id, path }) => ({
    message: `--ssh ${id}=${path}: this is a key, and only an agent's socket can be given`,
    hint: `load it into an agent: eval $(ssh-agent); ssh-add ${path}; then --ssh ${id}`,
  }),
  BUILD_ALLOW: ({ text }) => ({
    message: `--allow ${text}: this can not be allowed`,
    hint: 'want security.insecure or network.host',
  }),
});

/** As BuildKit: larger ones are files, not secrets. Bytes. */
const MAX_SECRET_BYTES = 500 * 1024;
const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'this user may not',
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The values and sockets that these options give. A secret without a source is the variable of its name, else the file of its name, as in docker.
 * @throws BUILD_SECRET_OPTION, BUILD_SECRET_SOURCE, BUILD_SSH_OPTION, BUILD_SSH_KEY_FILE
 */
export function readStepSecrets(
  given: { readonly secrets: readonly string[]; readonly ssh: readonly string[] },
  environment: Environment,
): StepSecrets {
  return {
    secrets: new Map(given.secrets.map((text) => readSecret(text, environment))),
    agents: new Map(given.ssh.map((text) => readAgent(text, environment))),
  };
}

/** What `--allow` may name. @throws BUILD_ALLOW */
export function readAllowed(given: readonly string[]): ReadonlySet<string> {
  for (const text of given) if (!ALLOWED.has(text)) throw secretError('BUILD_ALLOW', { text });
  return new Set(given);
}

const ALLOWED = new Set(['security.insecure', 'network.host']);

function readSecret(text: string, environment: Environment): [id: string, value: Uint8Array] {
  const wrong = (problem: string): Error => secretError('BUILD_SECRET_OPTION', { text, problem });
  const fields = new Map<string, string>();
  const list = commaFields(text);
  if (list === undefined) throw wrong('a quote is not closed');
  for (const field of list) {
    const cut = field.indexOf('=');
    const key = (cut < 0 ? field : field.slice(0, cut)).toLowerCase();
    const known = key === 'source' ? 'src' : key;
    if (cut < 0) throw wrong(`${JSON.stringify(field)} must be a key=value pair`);
    if (!['id', 'src', 'env', 'type'].includes(known)) throw wrong(`unexpected key ${JSON.stringify(key)}`);
    fields.set(known, field.slice(cut + 1));
  }
  const id = fields.get('id');
  if (!id) throw wrong('it has no id');
  const type = fields.get('type');
  if (type !== undefined && type !== 'file' && type !== 'env') {
    throw wrong(`unsupported secret type ${JSON.stringify(type)}`);
  }
  const source = fields.get('src');
  const named = fields.get('env') ?? (type === 'env' ? (source ?? id) : undefined);
  const variable = named ?? (source === undefined && environment[id] !== undefined ? id : undefined);
  if (variable === undefined || (type === 'file' && named === undefined)) {
    return [id, readSecretFile(id, source ?? id)];
  }
  const value = environment[variable];
  if (value === undefined) {
    throw secretError('BUILD_SECRET_SOURCE', { id, problem: `the variable ${variable} is not set` });
  }
  return [id, bounded(id, Buffer.from(value))];
}

function readSecretFile(id: string, path: string): Uint8Array {
  const unreadable = (problem: string): Error =>
    secretError('BUILD_SECRET_SOURCE', { id, problem: `${path}: ${problem}` });
  try {
    const facts = statSync(path);
    if (facts.isDirectory()) throw unreadable('it is a folder');
    // A pipe, as `<(command)` gives one, has no size; neither has a device that never ends.
    if (facts.size > MAX_SECRET_BYTES) throw tooLarge(id, facts.size);
    return bounded(id, readBeginning(path));
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || code.startsWith('BUILD_')) throw error;
    throw unreadable(PROBLEMS[code] ?? code);
  }
}

/** The file's bytes, or one more of them than a secret may have. */
function readBeginning(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(MAX_SECRET_BYTES + 1);
    let size = 0;
    for (let got = -1; got !== 0 && size < bytes.length; size += got)
      got = readSync(fd, bytes, size, bytes.length - size, null);
    return bytes.subarray(0, size);
  } finally {
    closeSync(fd);
  }
}

function bounded(id: string, value: Buffer): Uint8Array {
  if (value.length > MAX_SECRET_BYTES) throw tooLarge(id, value.length);
  return value;
}

function tooLarge(id: string, size: number): Error {
  const problem = `${size} bytes, at most ${MAX_SECRET_BYTES} are accepted`;
  return secretError('BUILD_SECRET_SOURCE', { id, problem });
}

function readAgent(text: string, environment: Environment): [id: string, socket: string] {
  const cut = text.indexOf('=');
  const id = cut < 0 ? text : text.slice(0, cut);
  const wrong = (problem: string): Error => secretError('BUILD_SSH_OPTION', { text, problem });
  if (id === '') throw wrong('it has no id');
  const path = cut < 0 ? environment.SSH_AUTH_SOCK : text.slice(cut + 1);
  if (!path) throw wrong('there is no agent: SSH_AUTH_SOCK is not set');
  const socket = resolve(path);
  const facts = statSync(socket, { throwIfNoEntry: false });
  if (facts === undefined) throw wrong(`${path} does not exist`);
  if (facts.isFile()) throw secretError('BUILD_SSH_KEY_FILE', { id, path });
  if (!facts.isSocket()) throw wrong(`${path} is no socket`);
  return [id, socket];
}
