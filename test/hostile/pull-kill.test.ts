import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256, streamOf } from '../../src/base/bytes.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { CONFIG, LAYER, MANIFEST, putJson } from '../../src/store/contract-fixtures.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { createSandbox, randomOf, type Sandbox, tarEntry, until } from '../support/built-command.ts';
import { type ServedStore, serveStore } from '../support/registry-server.ts';

const SEED = Number(process.env.DOBOS_SEED ?? Date.now() % 1e9);
const MB = 1_000_000;
/** The images by their names: bytes of their layers. */
const IMAGES: ReadonlyMap<string, readonly number[]> = new Map([
  ['one', [40 * MB]],
  ['many', Array.from({ length: 40 }, (_, at) => (at % 4 === 0 ? 200_000 : 1.2 * MB))],
]);

let registry: ServedStore;
beforeAll(async () => {
  const store = createMemoryStore();
  for (const [name, sizes] of IMAGES) await putLayers(store, name, sizes);
  registry = await serveStore(store);
});
afterAll(() => registry.close());

async function putLayers(store: LocalStore, name: string, sizes: readonly number[]): Promise<void> {
  const layers = [];
  for (const size of sizes) {
    const tar = Buffer.concat([
      tarEntry({ name: `f${layers.length}` }, randomBytes(size)),
      Buffer.alloc(1024),
    ]);
    const layer = { mediaType: LAYER, digest: sha256(tar), size: tar.length };
    await store.put(layer, streamOf(tar));
    layers.push(layer);
  }
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const config = await putJson(store, CONFIG, { os: 'linux', architecture: 'amd64', rootfs });
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
  await store.tag(`${name}:1`, await putJson(store, MANIFEST, manifest));
}

/** A line to the registry that counts what comes, and goes dead after so many bytes. */
interface Line {
  readonly host: string;
  readonly passed: () => number;
  /** Called once when the line goes dead. */
  deadAfter(bytes: number, onDead: () => void): void;
  mend(): void;
  close(): void;
}

async function openLine(to: string): Promise<Line> {
  let passed = 0;
  let limit = Number.POSITIVE_INFINITY;
  let dead = (): void => {};
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(Number(to.split(':')[1]), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          near.destroy();
          far.destroy();
        });
    }
    near.pipe(far);
    far.on('data', (bytes) => {
      if (passed >= limit) return;
      passed += bytes.length;
      if (!near.write(bytes)) {
        far.pause();
        near.once('drain', () => far.resume());
      }
      if (passed >= limit) dead();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as { port: number }).port}`,
    passed: () => passed,
    deadAfter(bytes, onDead) {
      limit = bytes;
      dead = onDead;
    },
    mend() {
      passed = 0;
      limit = Number.POSITIVE_INFINITY;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('a pull that is ended from outside', () => {
  let sandbox: Sandbox;
  let line: Line;
  beforeEach(async () => {
    sandbox = createSandbox();
    line = await openLine(registry.host);
  });
  afterEach(async () => {
    line.close();
    await sandbox.remove();
  });

  /** Bytes of the store's files, also of those that are not whole. */
  const stored = (): number => {
    try {
      return readdirSync(sandbox.folder, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
        return sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0);
      }, 0);
    } catch {
      // Something went or was renamed meanwhile: it is looked at again.
      return 0;
    }
  };
  /** Pulls until so many bytes have passed and nearly all of them lie on the disk, and ends the process by the signal. */
  const pullUntil = async (name: string, bytes: number, signal: NodeJS.Signals): Promise<void> => {
    const before = stored();
    const { child, ended } = sandbox.start(['pull', `${line.host}/${name}:1`]);
    await new Promise<void>((resolve) => {
      line.deadAfter(bytes, resolve);
      void ended.then(() => resolve());
    });
    await until(() => stored() - before > bytes - MB, 30_000);
    child.kill(signal);
    const { code, signal: by } = await ended;
    expect([code, by]).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [130, null]);
  };
  const total = (name: string): number => IMAGES.get(name)!.reduce((sum, size) => sum + size, 0);
  const kept = (folder: string): string[] => readdirSync(join(sandbox.store, folder));

  it.each([
    ['one', 'SIGKILL'],
    ['one', 'SIGINT'],
    ['many', 'SIGKILL'],
    ['many', 'SIGINT'],
  ] as const)(
    'of %s layer(s), by %s after 60 of 100 bytes, is gone on with by the next for at most 45',
    async (name, signal) => {
      await pullUntil(name, 0.6 * total(name), signal);
      line.mend();
      const again = await sandbox.run(['pull', `${line.host}/${name}:1`]);
      expect(again).toMatchObject({ code: 0, stderr: '' });
      expect(line.passed() / total(name)).toBeLessThan(0.45);
      expect(line.passed() / total(name)).toBeGreaterThan(0.35);
      expect(await sandbox.run(['system', 'check'])).toMatchObject({ code: 0 });
      expect([kept('partial'), kept('tmp'), kept('leases')]).toEqual([[], [], []]);
    },
  );

  it('by SIGKILL at any moment leaves a whole store, and comes to its end after some tries', async () => {
    const random = randomOf(SEED);
    // What a round brought stays, so each is cut within what is left: none may come to the end.
    let left = total('many');
    for (let round = 0; round < 4; round++) {
      await pullUntil('many', Math.floor(random() * 0.5 * left), 'SIGKILL').catch((error: unknown) => {
        throw new Error(`DOBOS_SEED=${SEED}, round ${round}`, { cause: error });
      });
      left -= line.passed();
      line.mend();
      const { stdout } = await sandbox.run(['system', 'check']);
      expect(stdout, `DOBOS_SEED=${SEED}`).not.toMatch(/^(?:corrupt|missing|broken)/m);
    }
    expect((await sandbox.run(['images', '-q'])).stdout).toBe('');
    expect(await sandbox.run(['pull', `${line.host}/many:1`])).toMatchObject({ code: 0, stderr: '' });
    expect(await sandbox.run(['system', 'check'])).toMatchObject({ code: 0 });
    expect([kept('partial'), kept('tmp'), kept('leases')]).toEqual([[], [], []]);
  });
});
