import { closeSync, openSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { basename } from 'node:path/posix';
import { fsPath } from '../base/names.ts';

/** What a container may ask of an agent (draft-miller-ssh-agent-14, 3.1): which keys there are, and to sign with one. */
const SSH_AGENTC_REQUEST_IDENTITIES = 11;
const SSH_AGENTC_SIGN_REQUEST = 13;
/** The answer to everything else. */
const FAILURE = Buffer.from([0, 0, 0, 1, 5]);
/** As OpenSSH's agent: longer messages are refused. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** Connections at once; git and cargo use a handful. */
const MAX_CONNECTIONS = 64;

/**
 * A socket at `path` whose messages go to the agent that listens at `agent`: only the list of keys and signatures, so that a container cannot add or remove
 * keys. It ends with `close` or with this process.
 */
export async function listenForAgent(path: string, agent: string): Promise<{ close(): Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    if (open.size >= 2 * MAX_CONNECTIONS) {
      client.destroy();
      return;
    }
    const upstream = createConnection(agent);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
    upstream.pipe(client);
    client.on(
      'data',
      createFilter({
        pass: (bytes) => upstream.write(bytes),
        refuse: () => client.write(FAILURE),
        end: () => client.destroy(),
      }),
    );
    client.on('end', () => upstream.end());
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  // The address of a socket holds 107 bytes: a descriptor of the folder stands for its path.
  const folder = openSync(fsPath(dirname(path)), 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`/proc/self/fd/${folder}/${basename(path)}`, () => resolve());
    });
  } catch (error) {
    closeSync(folder);
    throw error;
  }
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        // Node removes the socket by the name it was given: until then that name must mean the same.
        server.close(() => {
          closeSync(folder);
          resolve();
        });
      }),
  };
}

interface Ends {
  readonly pass: (message: Buffer) => void;
  readonly refuse: () => void;
  readonly end: () => void;
}

/** Takes the bytes of a client and passes on whole messages (a length of four bytes, then the type). */
function createFilter({ pass, refuse, end }: Ends): (bytes: Buffer) => void {
  let waiting: Buffer = Buffer.alloc(0);
  return (bytes) => {
    waiting = Buffer.concat([waiting, bytes]);
    while (waiting.length >= 5) {
      const length = waiting.readUInt32BE(0);
      if (length === 0 || length > MAX_MESSAGE_BYTES) {
        end();
        return;
      }
      if (waiting.length < 4 + length) return;
      const type = waiting[4];
      const message = waiting.subarray(0, 4 + length);
      waiting = waiting.subarray(4 + length);
      if (type === SSH_AGENTC_REQUEST_IDENTITIES || type === SSH_AGENTC_SIGN_REQUEST) pass(message);
      else refuse();
    }
  };
}
