import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LayerRef } from '../../src/runtime/types.ts';
import { putTars } from '../support/put-tars.ts';
import { type RootfsAgent, startAgent, type View } from '../support/rootfs-agent.ts';
import { readableBuild, testUser } from '../support/test-user.ts';
import { type VectorEntry, vectorTar } from '../support/vector-tar.ts';

const file = (path: string, content: string): VectorEntry => ({ type: 'file', path, tarPath: path, content });

/** What every snapshotter does, whatever it is made of. */
describe.each(['trusted', 'user', 'whole'] as const)('a snapshotter of format %s', (format) => {
  let build: string | undefined;
  let user: { uid: number; gid: number; build: string } | undefined;
  let folder: string;
  const agents: RootfsAgent[] = [];
  const start = (): RootfsAgent => {
    const agent = startAgent({ storeFolder: join(folder, 'store'), format, user });
    agents.push(agent);
    return agent;
  };
  beforeAll(() => {
    if (format !== 'user') return;
    build = readableBuild();
    user = { ...testUser(), build };
  });
  afterAll(() => {
    if (build !== undefined) rmSync(build, { recursive: true, force: true });
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-snapshots-'));
    chmodSync(folder, 0o755);
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.close();
    const last = startAgent({ storeFolder: join(folder, 'store'), format, user });
    await last.run('fs.rmSync(folder + "/snapshots", { recursive: true, force: true })');
    await last.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('says what it is', async () => {
    expect(await start().run('return snapshotter.kind')).toBe(format === 'whole' ? 'copy' : 'overlay');
  });

  test('shows an empty root over no layers, and commits what is put there', async () => {
    const agent = start();
    const layer = (await agent.run(STEP, { layers: [], script: 'echo x > f' })) as LayerRef;
    expect(Object.keys(await agent.view([layer]))).toEqual(['', 'f']);
  });

  test('shows 200 layers, and what the 200 below a change hold', async () => {
    const agent = start();
    const tars = Array.from({ length: 200 }, (_, i) =>
      vectorTar([file(`f${i}`, `${i}`), file('last', `${i}`)]),
    );
    const layers = await putTars(agent, tars);
    const view = await agent.view(layers);
    expect(Object.keys(view)).toHaveLength(202);
    const changed = (await agent.run(STEP, { layers, script: 'rm f0; test $(cat last) = 199' })) as LayerRef;
    const { f0, ...rest } = view;
    expect(f0).toBeDefined();
    expect(await agent.view([...layers, changed])).toEqual(rest);
  });

  test('two roots over the same layers do not see each other', async () => {
    const agent = start();
    const layers = await putTars(agent, [vectorTar([file('shared', 'old')])]);
    const seen = await agent.run(
      `const a = await snapshotter.prepare(layersOf(o.layers)), b = await snapshotter.prepare(layersOf(o.layers));
       try {
         fs.writeFileSync(a.mount() + '/shared', 'new');
         return fs.readFileSync(b.mount() + '/shared', 'utf8');
       } finally { await a.dispose(); await b.dispose(); }`,
      { layers },
    );
    expect(seen).toBe('old');
  });

  test('a committed step is not unpacked again: its blob may be gone', async () => {
    const agent = start();
    const layer = (await agent.run(STEP, { layers: [], script: 'echo x > f' })) as LayerRef;
    await agent.run(`fs.unlinkSync(folder + '/blobs/sha256/' + o.digest.slice(7))`, {
      digest: layer.blob.digest,
    });
    expect(Object.keys(await agent.view([layer]))).toEqual(['', 'f']);
  });

  test('two processes that unpack the same chain at once both get it, and it is there once', async () => {
    const [a, b] = [start(), start()];
    const tars = Array.from({ length: 5 }, (_, i) => vectorTar([file(`f${i}`, 'x'.repeat(300_000))]));
    const layers = await putTars(a, tars);
    const [viewA, viewB] = await Promise.all([a.view(layers), b.view(layers)]);
    expect(viewA).toEqual(viewB);
    expect(await a.run('return (await snapshotter.list()).length')).toBe(format === 'whole' ? 1 : 5);
  });

  test('two processes that commit the same changes at once both succeed, and neither loses what it stands on', async () => {
    const [a, b] = [start(), start()];
    for (let round = 0; round < 5; round++) {
      const script = `mkdir d; echo ${round} > d/f; find . -exec touch -d @1500000000 {} +`;
      const [one, two] = await Promise.all([
        a.run(STEP_AND_STAY, { script }),
        b.run(STEP_AND_STAY, { script }),
      ]);
      expect(one).toEqual(two);
      expect(one).toBe(`${round}\n`);
    }
  });

  test('collect keeps what is named and what a living root stands on, and frees the rest', async () => {
    const [agent, other] = [start(), start()];
    const [one, two, three] = await putTars(
      agent,
      ['one', 'two', 'three'].map((name) => vectorTar([file(name, name)])),
    );
    for (const layer of [one!, two!, three!]) await agent.view([layer]);
    await other.run('globalThis.held = await snapshotter.prepare(layersOf(o.layers)); held.mount()', {
      layers: [two],
    });
    const collect = `return snapshotter.collect(new Set(o.keep))`;
    expect(await agent.run(collect, { keep: [one!.diffId] })).toEqual({ bytes: 5, removed: 1 });
    expect(await agent.run('return (await snapshotter.list()).map((s) => s.chainId)')).toEqual(
      [one!.diffId, two!.diffId].sort(),
    );
    expect(await other.run(`return fs.readFileSync(held.plan.merged + '/two', 'utf8')`)).toBe('two');
    await other.run('await held.dispose()');
    expect(await agent.run(collect, { keep: [] })).toEqual({ bytes: 6, removed: 2 });
  });

  test('disposing leaves nothing of the root, also while it is mounted, and may be done twice', async () => {
    const agent = start();
    const gone = await agent.run(`
      const root = await snapshotter.prepare([]);
      fs.writeFileSync(root.mount() + '/f', 'x');
      await root.dispose();
      await root.dispose();
      return !fs.existsSync(root.folder) && !fs.readFileSync('/proc/self/mounts', 'utf8').includes(root.folder);
    `);
    expect(gone).toBe(true);
  });

  test('an aborted unpacking shows nothing, and the next one works', async () => {
    const agent = start();
    const layers = await putTars(agent, [vectorTar([file('big', 'x'.repeat(3_000_000))])]);
    const aborted = (layers: unknown, wait: string): Promise<unknown> =>
      agent.run(
        `const abort = new AbortController();
         const running = snapshotter.prepare(layersOf(o.layers), { signal: abort.signal });
         const ended = running.then((root) => root.dispose()).then(() => 'whole', (error) => error.message);
         ${wait}
         abort.abort(new Error('stopped'));
         return [await ended, (await snapshotter.list()).length];`,
        { layers },
      );
    expect(await aborted(layers, '')).toEqual(['stopped', 0]);
    // In the midst of it, or, as the machine likes, when all is done.
    const later = await aborted(layers, 'await new Promise((resume) => setTimeout(resume, 1));');
    expect([
      ['stopped', 0],
      ['whole', 1],
    ]).toContainEqual(later);
    expect(Object.keys(await agent.view(layers))).toEqual(['', 'big']);
  });

  test('what a killed process left is removed by the next one', async () => {
    const victim = start();
    const layers = await putTars(victim, [vectorTar([file('f', 'x')])]);
    await victim.run(
      'const r = await snapshotter.prepare(layersOf(o.layers)); fs.writeFileSync(r.mount() + "/junk", "x")',
      {
        layers,
      },
    );
    const sessions = join(folder, 'store/snapshots/t');
    expect(readdirSync(sessions)).toHaveLength(1);
    victim.kill();
    await victim.close();
    const next = start();
    expect(await next.view(layers)).not.toHaveProperty('junk');
    expect(readdirSync(sessions)).toHaveLength(1);
    expect(existsSync(sessions)).toBe(true);
  });

  test('a root made before a reboot is made again from its blob', async () => {
    const agent = start();
    const layers = await putTars(agent, [vectorTar([file('f', 'whole')])]);
    await agent.view(layers);
    await agent.run(`
      const notes = folder + '/snapshots/' + fs.readdirSync(folder + '/snapshots').find((n) => 'ouw'.includes(n)) + '/n';
      for (const name of fs.readdirSync(notes)) {
        const note = JSON.parse(fs.readFileSync(notes + '/' + name, 'utf8'));
        fs.writeFileSync(notes + '/' + name, JSON.stringify({ ...note, boot: 'another' }));
        fs.truncateSync(notes.slice(0, -1) + 'l/' + name + '/f', 0);
      }
    `);
    await agent.close();
    const view: View = await start().view(layers);
    expect(view.f).toContain(' 5 ');
  });
});

/** Runs a script in a root over the layers and commits it. */
const STEP = `
const root = await snapshotter.prepare(layersOf(o.layers));
try {
  sh(o.script, root.mount());
  root.unmount();
  const { blob, diffId } = await root.commit();
  return { blob, diffId };
} finally { await root.dispose(); }
`;

/** Commits a step and reads from a root over it. */
const STEP_AND_STAY = `
const root = await snapshotter.prepare([]);
sh(o.script, root.mount());
root.unmount();
const layer = await root.commit();
const above = await snapshotter.prepare([layer]);
try { return fs.readFileSync(above.mount() + '/d/f', 'utf8'); } finally { await above.dispose(); await root.dispose(); }
`;
