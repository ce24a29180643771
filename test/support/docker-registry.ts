import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';

/** Debian's docker-registry on a port of its own, with everything it keeps in one folder. */
export interface DockerRegistry {
  /** `127.0.0.1:43211` */
  readonly host: string;
  stop(): Promise<void>;
}

/** How it asks who is there; nobody is asked when absent. */
export type RegistryLock =
  /** `USER` with `PASSWORD`. */
  | { readonly kind: 'htpasswd' }
  /** Tokens of a server that signs them with the key of this certificate. */
  | {
      readonly kind: 'token';
      readonly realm: string;
      readonly service: string;
      readonly issuer: string;
      readonly certFile: string;
    };

export const USER = 'robot';
export const PASSWORD = 'open-sesame';
/** bcrypt of PASSWORD, as `htpasswd -B` writes it. */
const HTPASSWD = `${USER}:$2b$04$FigEGFJxo6cvIu5puZZP4ed3jv6mopaxYiUvZHLhXcXb7j235SLtu\n`;

/** Longest wait for its first word, in milliseconds. */
const LONGEST_START_MS = 120_000;
const POLL_MS = 5;

export async function startDockerRegistry(
  folder: string,
  o: { readonly lock?: RegistryLock; readonly tls?: Certificates } = {},
): Promise<DockerRegistry> {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.yml');
  writeFileSync(join(folder, 'htpasswd'), HTPASSWD);
  // YAML reads JSON.
  writeFileSync(config, JSON.stringify(configOf(folder, o.lock, o.tls)));
  const log = join(folder, 'log');
  const output = openSync(log, 'w');
  // It dies with the process that runs the tests, however that ends.
  const server = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', '/usr/bin/docker-registry', 'serve', config],
    {
      stdio: ['ignore', 'ignore', output],
      env: { PATH: '/usr/bin:/bin', OTEL_TRACES_EXPORTER: 'none' },
    },
  );
  closeSync(output);
  return { host: await listening(server, log), stop: () => stop(server) };
}

function configOf(folder: string, lock: RegistryLock | undefined, tls: Certificates | undefined): object {
  const auth =
    lock === undefined
      ? {}
      : lock.kind === 'htpasswd'
        ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } }
        : {
            auth: {
              token: {
                realm: lock.realm,
                service: lock.service,
                issuer: lock.issuer,
                rootcertbundle: lock.certFile,
              },
            },
          };
  const certificates = tls === undefined ? {} : { tls: { certificate: tls.certFile, key: tls.keyFile } };
  return {
    version: '0.1',
    log: { level: 'info', formatter: 'text', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(folder, 'data') },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: '127.0.0.1:0', secret: 'one for all', ...certificates },
    ...auth,
  };
}

/** Where it listens: it takes a free port and says which, in a file, as nobody may be there to read a pipe. */
async function listening(server: ChildProcess, log: string): Promise<string> {
  const began = performance.now();
  for (;;) {
    const said = readFileSync(log, 'utf8');
    const found = /listening on ((?:\d+\.){3}\d+:\d+)/.exec(said);
    if (found !== null) return found[1]!;
    const ended = server.exitCode !== null || server.signalCode !== null;
    if (ended || performance.now() - began > LONGEST_START_MS) {
      server.kill('SIGKILL');
      throw new Error(`docker-registry does not listen:\n${said.slice(0, 4000)}`);
    }
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
}
