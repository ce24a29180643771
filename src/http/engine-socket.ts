import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { type ByteStream, collect } from '../base/bytes.ts';
import { errorMaker, systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';

type EngineErrors = {
  ENGINE_HOST: { host: string };
  ENGINE_UNREACHABLE: { host: string; why: string };
  ENGINE_REFUSED: { host: string; status: number; message: string };
};
const engineError = errorMaker<EngineErrors>({
  ENGINE_HOST: ({ host }) => ({
    message: `DOCKER_HOST is ${JSON.stringify(host)}, want unix:///path, tcp://host:port or http://host:port`,
    hint: host.startsWith('ssh:')
      ? 'forward the socket first: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, then DOCKER_HOST=unix:///tmp/docker.sock'
      : undefined,
  }),
  ENGINE_UNREACHABLE: ({ host, why }) => ({
    message: `cannot ask the Docker engine at ${host}: ${why}`,
    hint: 'is it running, and may this user talk to it? DOCKER_HOST names another one',
  }),
  ENGINE_REFUSED: ({ host, status, message }) => `the Docker engine at ${host} says ${status}: ${message}`,
});

/** Where a Docker engine listens, as docker's own client reads it. */
export interface EngineSettings {
  /** `DOCKER_HOST`; the socket of this machine when empty. */
  readonly host: string | undefined;
  /** `DOCKER_TLS_VERIFY`: the engine's certificate is checked by `ca.pem` of the folder, and `cert.pem` and `key.pem` shown to it. */
  readonly verify: boolean;
  /** `DOCKER_CERT_PATH`. */
  readonly certificates: string;
}

const DEFAULT_HOST = 'unix:///var/run/docker.sock';
const MAX_MESSAGE_BYTES = 64 * 1024;

/** The body of the engine's answer to a GET, as it comes. @throws ENGINE_HOST, ENGINE_UNREACHABLE, ENGINE_REFUSED */
export async function getFromEngine(
  settings: EngineSettings,
  path: string,
  o: CallOptions = {},
): Promise<ByteStream> {
  const host = settings.host || DEFAULT_HOST;
  const unreachable = (error: unknown): Error => {
    o.signal?.throwIfAborted();
    const why = WORDS[systemCode(error) ?? ''] ?? String((error as Error).message);
    return engineError('ENGINE_UNREACHABLE', { host, why }, { cause: error });
  };
  const { signal } = o;
  let answer: IncomingMessage;
  try {
    answer = await ask({ ...placeOf(host, settings), path, method: 'GET', ...(signal && { signal }) });
  } catch (error) {
    throw (error as { code?: unknown }).code === 'ENGINE_HOST' ? error : unreachable(error);
  }
  const status = answer.statusCode ?? 0;
  if (status !== 200) throw engineError('ENGINE_REFUSED', { host, status, message: await messageOf(answer) });
  return bodyOf(answer, unreachable);
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  EACCES: 'this user may not',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it closed the connection',
};

type Place = RequestOptions & { readonly secure?: boolean };

async function ask({ secure, ...options }: Place): Promise<IncomingMessage> {
  const request = secure === true ? (await import('node:https')).request : plainRequest;
  return new Promise((resolve, reject) => {
    request(options, resolve).once('error', reject).end();
  });
}

function placeOf(host: string, { verify, certificates }: EngineSettings): Place {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const url = /^(?:tcp|https?):\/\/[^/]+\/?$/.test(host)
    ? new URL(host.replace(/^tcp:/, 'http:'))
    : undefined;
  if (url === undefined) throw engineError('ENGINE_HOST', { host });
  const secure = verify || url.protocol === 'https:';
  const place = { hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || (secure ? 2376 : 2375) };
  if (!secure) return place;
  const file = (name: string): Buffer => readFileSync(join(certificates, name));
  return { ...place, secure, ...{ ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') } };
}

async function* bodyOf(answer: IncomingMessage, failed: (error: unknown) => Error): ByteStream {
  try {
    yield* answer as AsyncIterable<Buffer>;
  } catch (error) {
    throw failed(error);
  } finally {
    answer.destroy();
  }
}

/** What the engine says of itself: `{"message": …}`. */
async function messageOf(answer: IncomingMessage): Promise<string> {
  try {
    const text = (await collect(answer as AsyncIterable<Buffer>, MAX_MESSAGE_BYTES)).toString('utf8');
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : text.slice(0, 200);
  } catch {
    return 'and no reason that can be read';
  } finally {
    answer.destroy();
  }
}
