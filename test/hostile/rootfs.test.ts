import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/base/bytes.ts';
import type { LayerRef } from '../../src/runtime/types.ts';
import { putTars } from '../support/put-tars.ts';
import { type RootfsAgent, startAgent } from '../support/rootfs-agent.ts';
import { shareOf } from '../support/shares.ts';
import { type VectorEntry, vectorTar } from '../support/vector-tar.ts';
import { breakouts } from './rootfs-breakouts.ts';

const file = (path: string, content: string, more: Partial<VectorEntry> = {}): VectorEntry => ({
  type: 'file',
  path,
  tarPath: path,
  content,
  ...more,
});
const dir = (path: string, more: Partial<VectorEntry> = {}): VectorEntry => ({
  type: 'dir',
  path,
  tarPath: path,
  ...more,
});

let folder: string;
let agents: RootfsAgent[];
const start = (format: 'trusted' | 'whole' = 'trusted'): RootfsAgent => {
  const agent = startAgent({ storeFolder: join(folder, 'store'), format });
  agents.push(agent);
  return agent;
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-hostile-'));
  agents = [];
});
afterEach(async () => {
  for (const agent of agents) await agent.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A tree outside of every root, and a way to see whether anything about it has changed. */
function makeCanary() {
  const path = join(folder, 'canary');
  mkdirSync(join(path, 'sub'), { recursive: true });
  writeFileSync(join(path, 'file'), 'canary');
  writeFileSync(join(path, 'sub/other'), 'canary');
  chmodSync(join(path, 'file'), 0o640);
  const look = (at = path): string[] => {
    const stat = lstatSync(at, { bigint: true });
    const content = stat.isFile() ? readFileSync(at, 'utf8') : '';
    const line = [at, stat.mode, stat.uid, stat.gid, stat.nlink, stat.mtimeNs, stat.ctimeNs, content].join(
      ' ',
    );
    return stat.isDirectory()
      ? [
          line,
          ...readdirSync(at)
            .sort()
            .flatMap((name) => look(join(at, name))),
        ]
      : [line];
  };
  return { path, look };
}

describe.each(['trusted', 'whole'] as const)(
  'layers that try to break out of a root of format %s',
  (format) => {
    let store: string;
    let agent: RootfsAgent;
    beforeAll(() => {
      store = mkdtempSync(join(tmpdir(), 'dobos-hostile-'));
      agent = startAgent({ storeFolder: join(store, 'store'), format });
    });
    afterAll(async () => {
      await agent.close();
      rmSync(store, { recursive: true, force: true });
    });

    test.each(breakouts('CANARY').map(({ name }) => name))('%s', async (name) => {
      const canary = makeCanary();
      const before = canary.look();
      const breakout = breakouts(canary.path.slice(1)).find((one) => one.name === name)!;
      const layers = await putTars(
        agent,
        breakout.layers.map((entries) => vectorTar(entries)),
      );
      const outside = readdirSync(store);
      const unpacked = agent.view(layers);
      if (typeof breakout.want === 'string') {
        await expect(unpacked).rejects.toMatchObject({ code: breakout.want });
        const shown = (await agent.run(
          'return (await snapshotter.list()).map((s) => s.chainId)',
        )) as string[];
        expect(shown).not.toContain(layers.at(-1)!.diffId);
      } else {
        const view = await unpacked;
        for (const [path, start] of Object.entries(breakout.want))
          expect(`${path}: ${view[path]}`).toContain(`${path}: ${start}`);
      }
      expect(canary.look()).toEqual(before);
      expect(readdirSync(store)).toEqual(outside);
      expect(readdirSync(folder)).toEqual(['canary']);
    });
  },
);

/** Swaps directories of every tree being unpacked for symlinks to the canary and back, as fast as it can; prints how often. */
const ATTACKER = `
import glob, os, signal, sys
sessions, canary = sys.argv[1:]
swaps, running = 0, True
def stop(*_):
    global running
    running = False
signal.signal(signal.SIGTERM, stop)
print('ready', flush=True)
while running:
    for path in glob.glob(sessions + '/*/*/r*/*'):
        if not running: break
        try:
            os.rename(path, path + '.aside')
            os.symlink(canary, path)
            swaps += 1
            os.unlink(path)
            os.rename(path + '.aside', path)
        except OSError: pass
print(swaps)
`;

test.each(['trusted', 'whole'] as const)(
  'a process that swaps directories for symlinks while they are filled leads nothing outside (%s)',
  async (format) => {
    const canary = makeCanary();
    const before = canary.look();
    const agent = start(format);
    const entries = Array.from({ length: 40 }, (_, i) => [
      dir(`d${i}`, { mode: 0o711, uid: 5 }),
      ...Array.from({ length: 25 }, (__, k) => [
        file(`d${i}/f${k}`, 'attack', { mode: 0o4777, uid: 9 }),
        dir(`d${i}/sub${k}`, { mode: 0o700, uid: 3, mtime: 5 }),
        { ...file(`d${i}/p${k}`, ''), type: 'fifo' as const },
      ]).flat(),
      file(`d${i}/file`, 'attack', { mode: 0o666 }),
      dir(`d${i}/sub`, { mode: 0o777, uid: 4, mtime: 1 }),
      file(`d${i}/sub/other`, 'attack'),
    ]).flat();
    const attacker = spawn('python3', ['-c', ATTACKER, join(folder, 'store/snapshots/t'), canary.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    const ready = new Promise<void>((resolve) => {
      attacker.stdout.on('data', (part) => {
        said += part;
        if (said.includes('ready')) resolve();
      });
    });
    await ready;
    for (let round = 0; round < 6; round++) {
      const layers = await putTars(agent, [vectorTar([...entries, file('round', `${round}`)])]);
      // It may fail, because directories are missing at times; it may not write elsewhere.
      await agent.run('try { await snapshotter.unpack(layersOf(o.layers)) } catch {}', { layers });
    }
    const ended = new Promise((resolve) => attacker.on('close', resolve));
    attacker.kill('SIGTERM');
    await ended;
    expect(Number(said.split('\n').at(-2))).toBeGreaterThan(10);
    expect(canary.look()).toEqual(before);
  },
  300_000,
);

describe('layers that lie', () => {
  const stack = async (agent: RootfsAgent, lie: Partial<LayerRef>, stored: Buffer): Promise<LayerRef> => {
    const digest = sha256(stored);
    const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: stored.length };
    await agent.run(
      `const { streamOf } = await load('base/bytes.js'); await store.put(o.blob, streamOf(Buffer.from(o.bytes, 'base64')))`,
      { blob, bytes: stored.toString('base64') },
    );
    return { blob, diffId: digest, ...lie };
  };
  const tar = vectorTar([file('f', 'x'.repeat(5000))]);

  test.each([
    ['a diffId of something else', gzipSync(tar), sha256('other'), 'LAYER_DIFF_ID'],
    ['a gzip stream that is cut off', gzipSync(tar).subarray(0, -10), sha256(tar), 'COMPRESS_TRUNCATED'],
    [
      'garbage after the gzip stream',
      Buffer.concat([gzipSync(tar), Buffer.from('garbage')]),
      sha256(tar),
      'COMPRESS_TRAILING',
    ],
    [
      'an archive that is cut off',
      gzipSync(tar.subarray(0, 3000)),
      sha256(tar.subarray(0, 3000)),
      'TAR_TRUNCATED',
    ],
  ])('%s is refused and shows nothing', async (_, stored, diffId, code) => {
    const agent = start();
    const layer = await stack(agent, { diffId }, stored);
    await expect(agent.view([layer])).rejects.toMatchObject({ code });
    expect(await agent.run('return (await snapshotter.list()).length')).toBe(0);
  });

  test('a blob that was damaged in the store is refused', async () => {
    const agent = start();
    const layer = await stack(agent, { diffId: sha256(tar) }, gzipSync(tar));
    await agent.run(
      `const path = folder + '/blobs/sha256/' + o.hex; const bytes = fs.readFileSync(path); bytes[40] ^= 1; fs.chmodSync(path, 0o600); fs.writeFileSync(path, bytes)`,
      { hex: layer.blob.digest.slice(7) },
    );
    await expect(agent.view([layer])).rejects.toMatchObject({
      code: expect.stringMatching(/^(COMPRESS|BYTES)_/),
    });
  });

  test('attributes that overlayfs would take for its own hide and redirect nothing', async () => {
    const agent = start();
    const layers = await putTars(agent, [
      vectorTar([file('d/below', 'x'), file('secret/f', 'x')]),
      vectorTar([
        dir('d', { xattrs: { 'trusted.overlay.opaque': 'y', 'trusted.overlay.redirect': '/secret' } }),
        file('g', '', { xattrs: { 'trusted.overlay.metacopy': '' } }),
      ]),
    ]);
    const view = await agent.view(layers);
    expect(view).toHaveProperty('d/below');
    expect(view).not.toHaveProperty('d/f');
  });

  test('a device that overlayfs would take for a whiteout is refused', async () => {
    const agent = start();
    const forged: VectorEntry = { type: 'char', path: 'f', tarPath: 'f', device: { major: 0, minor: 0 } };
    const layers = await putTars(agent, [vectorTar([forged])]);
    await expect(agent.view(layers)).rejects.toMatchObject({ code: 'ROOTFS_NODE' });
  });
});

test('a full disk is told, leaves nothing half made, and the store still works', async () => {
  const agent = start();
  const big = vectorTar([file('big', 'x'.repeat(12_000_000))]);
  const result = await agent.run(
    `
    const { mountTmpfs } = await load('linux/mount.js');
    const { streamOf, sha256 } = await load('base/bytes.js');
    const { openLayer } = await load('layer/open-layer.js');
    const { createDirectoryStore } = await load('store/directory-store.js');
    const { createSnapshotter } = await load('rootfs/snapshotter.js');
    const disk = o.folder + '/disk';
    fs.mkdirSync(disk);
    mountTmpfs(disk, 'size=6m');
    const small = await createDirectoryStore(disk + '/store');
    const s = await createSnapshotter(small);
    const put = async (text, diffId) => {
      const bytes = Buffer.from(text, 'base64');
      const blob = { mediaType: 'application/octet-stream', digest: sha256(bytes), size: bytes.length };
      await small.put(blob, streamOf(bytes));
      return openLayer(small, blob, diffId ?? blob.digest);
    };
    let failure;
    try { await s.unpack([await put(o.big, o.diffId)]); } catch (error) { failure = { code: error.code, message: error.message, hint: error.hint }; }
    const root = await s.prepare([await put(o.little)]);
    const shown = fs.readdirSync(root.mount());
    let write;
    try { fs.writeFileSync(root.plan.merged + '/fill', Buffer.alloc(8e6)); } catch (error) { write = error.code; }
    root.unmount();
    let commit;
    try { await root.commit(); } catch (error) { commit = { code: error.code, message: error.message }; }
    await root.dispose();
    const again = await s.prepare([await put(o.little)]);
    fs.writeFileSync(again.mount() + '/ok', 'ok');
    again.unmount();
    await again.commit();
    await again.dispose();
    return { failure, shown, write, commit, listed: (await s.list()).length };
    `,
    {
      folder,
      big: gzipSync(big).toString('base64'),
      diffId: sha256(big),
      little: vectorTar([file('little', 'x')]).toString('base64'),
    },
  );
  expect(result).toMatchObject({
    failure: { code: 'ROOTFS_SYSTEM', message: expect.stringContaining('ENOSPC'), hint: expect.any(String) },
    shown: ['little'],
    write: 'ENOSPC',
    commit: { message: expect.stringMatching(/ENOSPC|no space|full/i) },
    listed: 2,
  });
});

const seed = Number(process.env.DOBOS_SEED ?? Date.now() % 2 ** 31);
test(`killed at any moment of an unpacking, the next process shows whole layers only (seed ${seed})`, async () => {
  const content = (layer: number, i: number): string =>
    createHash('sha256')
      .update(`${layer} ${i}`)
      .digest('hex')
      .repeat(20 + (i % 50));
  const tars = [0, 1, 2].map((layer) =>
    vectorTar(Array.from({ length: 600 }, (_, i) => file(`d${layer}/s${i % 30}/f${i}`, content(layer, i)))),
  );
  const first = start();
  const layers = await putTars(first, tars);
  const whole = await first.view(layers);
  await first.close();
  const share = shareOf(8, seed);
  let random = share.seed;
  const next = (below: number): number => {
    random = (random * 1103515245 + 12345) % 2 ** 31;
    return random % below;
  };
  for (let round = share.first; round < share.end; round++) {
    const victim = startAgent({ storeFolder: join(folder, 'store'), format: 'trusted' });
    await victim.run('await snapshotter.collect(new Set())');
    const dying = victim.view(layers).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, next(400)));
    victim.kill();
    await dying;
    await victim.close();
    const survivor = startAgent({ storeFolder: join(folder, 'store'), format: 'trusted' });
    expect(await survivor.view(layers)).toEqual(whole);
    expect(readdirSync(join(folder, 'store/snapshots/t'))).toHaveLength(1);
    expect(await survivor.run('return (await snapshotter.list()).length')).toBe(3);
    await survivor.close();
  }
}, 300_000);
