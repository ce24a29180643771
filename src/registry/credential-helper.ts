import { spawn } from 'node:child_process';
import { findProgram } from '../base/find-program.ts';
import type { CallOptions } from '../base/options.ts';
import { credentialError } from './credential-errors.ts';
import type { Credential } from './types.ts';

/** A credential is a few hundred bytes; tokens of clouds reach some KiB. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** A helper may ask the person for a passphrase; one that never answers must not hang a build. */
const ANSWER_MS = 30_000;
const MAX_WORDS = 200;
/** The user name by which a helper says that its secret is an OAuth2 refresh token. */
const TOKEN_USER = '<token>';

/** Where a helper was named: the file and its key. */
export interface HelperName {
  readonly suffix: string;
  readonly file: string;
  readonly key: string;
}

/** A program that keeps credentials, by Docker's protocol: the verb as its only argument, the rest through its standard input. */
export interface CredentialHelper {
  readonly program: string;
  /** Undefined: it knows no credential for this server. @throws CREDENTIALS_HELPER, CREDENTIALS_HELPER_MISSING, CREDENTIALS_FILE */
  get(server: string, o?: CallOptions): Promise<Credential | undefined>;
  /** @throws CREDENTIALS_HELPER, CREDENTIALS_HELPER_MISSING, CREDENTIALS_FILE */
  store(server: string, credential: Credential, o?: CallOptions): Promise<void>;
  /** False: there was nothing to erase. @throws CREDENTIALS_HELPER, CREDENTIALS_HELPER_MISSING, CREDENTIALS_FILE */
  erase(server: string, o?: CallOptions): Promise<boolean>;
}

/** The helper of that name. It is looked for in the environment's PATH when it is first asked, gets that environment, and no shell. */
export function createCredentialHelper(
  name: HelperName,
  environment: Readonly<Record<string, string | undefined>>,
  answerMs: number = ANSWER_MS,
): CredentialHelper {
  const program = `docker-credential-${name.suffix}`;
  const ask = async (verb: string, input: string, o: CallOptions): Promise<Answer> => {
    const answer = await run(locate(name, program, environment.PATH), verb, input, environment, answerMs, o);
    if (answer.why !== undefined)
      throw credentialError('CREDENTIALS_HELPER', { program, verb, why: answer.why });
    return answer;
  };
  /** @throws unless the helper says only that there is nothing */
  const checked = (verb: string, answer: Answer): boolean => {
    if (answer.code === 0) return true;
    if (/credentials not found in native keychain/i.test(answer.text)) return false;
    throw credentialError('CREDENTIALS_HELPER', { program, verb, why: firstWords(answer) });
  };
  return {
    program,
    get: async (server, o = {}) => {
      const answer = await ask('get', server, o);
      return checked('get', answer) ? parseAnswer(program, answer.text) : undefined;
    },
    store: async (server, credential, o = {}) => {
      const answer = await ask('store', JSON.stringify(toStore(server, credential)), o);
      // Some helpers repeat what they were given.
      if (answer.code !== 0) {
        const secret = toStore(server, credential).Secret;
        const text = answer.text.replaceAll(secret, '***');
        throw credentialError('CREDENTIALS_HELPER', {
          program,
          verb: 'store',
          why: firstWords({ ...answer, text }),
        });
      }
    },
    erase: async (server, o = {}) => checked('erase', await ask('erase', server, o)),
  };
}

function toStore(
  server: string,
  credential: Credential,
): { ServerURL: string; Username: string; Secret: string } {
  return credential.kind === 'basic'
    ? { ServerURL: server, Username: credential.username, Secret: credential.password }
    : { ServerURL: server, Username: TOKEN_USER, Secret: credential.token };
}

function parseAnswer(program: string, text: string): Credential | undefined {
  let answer: { readonly Username?: unknown; readonly Secret?: unknown } | null;
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    // Without a cause: what JSON.parse says quotes the text, which holds the secret.
    answer = null;
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw credentialError('CREDENTIALS_HELPER', {
      program,
      verb: 'get',
      why: 'its answer is no JSON object with "Username" and "Secret"',
    });
  if (secret === '') return undefined;
  return username === TOKEN_USER
    ? { kind: 'identity', token: secret }
    : { kind: 'basic', username, password: secret };
}

/** The program's path. Only absolute folders of PATH count: the working folder may be anybody's. */
function locate(name: HelperName, program: string, path = ''): string {
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(name.suffix))
    throw credentialError('CREDENTIALS_FILE', {
      file: name.file,
      why: `${name.key} names no helper program`,
    });
  const found = findProgram(program, path);
  if (found === undefined)
    throw credentialError('CREDENTIALS_HELPER_MISSING', { program, file: name.file, key: name.key });
  return found;
}

interface Answer {
  readonly code: number;
  /** Standard output, or standard error when it is empty. */
  readonly text: string;
  /** Why there is no answer to look at. */
  readonly why?: string | undefined;
}

function run(
  path: string,
  verb: string,
  input: string,
  environment: Readonly<Record<string, string | undefined>>,
  answerMs: number,
  { signal }: CallOptions,
): Promise<Answer> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(path, [verb], { env: { ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
    const [out, err] = [bounded(child.stdout), bounded(child.stderr)];
    /** Its own children may hold the pipes open: they are not waited for. */
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      child.kill('SIGKILL');
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      settle();
    };
    const failed = (why: string): void => end(() => resolve({ code: -1, text: '', why }));
    const onAbort = (): void => end(() => reject(signal?.reason));
    const timer = setTimeout(() => failed(`no answer after ${answerMs / 1000} s`), answerMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    for (const stream of [out, err])
      stream.onExcess(() => failed(`more than ${MAX_ANSWER_BYTES} bytes of answer`));
    child.once('error', (error) => failed(`it cannot be started (${(error as NodeJS.ErrnoException).code})`));
    child.once('close', (code, killer) =>
      killer === null
        ? end(() => resolve({ code: code ?? -1, text: out.text().trim() || err.text().trim() }))
        : failed(`killed by ${killer}`),
    );
    // A helper that ends without reading has said all it wants.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function bounded(stream: NodeJS.ReadableStream): { text(): string; onExcess(tell: () => void): void } {
  const parts: Buffer[] = [];
  let total = 0;
  let excess = (): void => {};
  stream.on('data', (part: Buffer) => {
    total += part.length;
    if (total > MAX_ANSWER_BYTES) excess();
    else parts.push(part);
  });
  return {
    text: () => Buffer.concat(parts).toString('utf8'),
    onExcess: (tell) => {
      excess = tell;
    },
  };
}

/** The first line of what a failed helper said, safe to show; nothing of an answer in JSON, which may hold a secret. */
function firstWords({ code, text }: Answer): string {
  const line = text
    .split('\n', 1)[0]!
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '')
    .trim();
  return line === '' || /^[[{]/.test(line) ? `exit code ${code}` : line.slice(0, MAX_WORDS);
}
