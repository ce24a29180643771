import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LayerRef } from '../../src/runtime/types.ts';
import { type RootfsAgent, startAgent } from '../support/rootfs-agent.ts';

/** Makes a base layer; then each test works in the folder of a container. */
const BASE = `
const root = await snapshotter.prepare([]);
sh('mkdir -p etc gone anew opt; echo one > etc/one; echo g > gone/f; echo old > anew/old; echo same > anew/same', root.mount());
root.unmount();
const layer = await root.commit();
await root.dispose();
return [{ blob: layer.blob, diffId: layer.diffId }];
`;
const WORK = `
const root = await snapshotter.prepare(layersOf(o.layers), { place: { folder: o.place, keep: o.keep } });
const merged = root.mount();
root.noteMountPoints(['etc/hosts']);
const said = sh(o.script, merged);
if (o.look) {
  const look = await snapshotter.look(layersOf(o.layers), { folder: o.place, running: true });
  const layer = await look.commit();
  const changes = (await look.changes()).map(({ kind, path }) => kind + ' ' + path);
  look.close();
  await root.dispose();
  return { changes, layer: layer && { blob: layer.blob, diffId: layer.diffId } };
}
await root.dispose();
return said;
`;
/** Commits twice while it is used: when nothing has been changed in it for a while, and right after a change. */
const RESTED = `
const root = await snapshotter.prepare(layersOf(o.layers), { place: { folder: o.place, keep: true } });
const merged = root.mount();
sh('echo rested > f; ln f second; ln -s f link; rm gone/f', merged);
const wrote = Date.now();
const commit = async () => {
  const look = await snapshotter.look(layersOf(o.layers), { folder: o.place, running: true });
  try {
    const { blob, diffId } = await look.commit();
    return { blob, diffId };
  } finally { look.close(); }
};
const restless = await commit();
while (Date.now() - wrote < 1100) await new Promise((resume) => setTimeout(resume, 20));
const rested = await commit();
await root.dispose();
return { restless, rested };
`;
const LOOK = `
const look = await snapshotter.look(layersOf(o.layers), { folder: o.place, running: false });
try {
  const layer = await look.commit();
  fs.writeFileSync(o.place + '/tar', '');
  const size = await look.pack(o.place + '/tar');
  return {
    changes: (await look.changes()).map(({ kind, path }) => kind + ' ' + path),
    bytes: await look.bytes(),
    layer: layer && { blob: layer.blob, diffId: layer.diffId },
    names: sh('tar -tf tar', o.place).trim().split('\\n').filter((name) => name !== './').sort(),
    packed: size === fs.statSync(o.place + '/tar').size,
  };
} finally { look.close(); }
`;

/** The file system takes its time for what is unmounted: all threads that could wait for it wait for something else. */
const BUSY = `
const fifo = o.place + '/fifo';
sh('mkfifo fifo', o.place);
const opened = Array.from({ length: 4 }, () => new Promise((resolve) => fs.open(fifo, 'r', (error, fd) => resolve(fd))));
const root = await snapshotter.prepare(layersOf(o.layers), { place: { folder: o.place, keep: true } });
const merged = root.mount();
sh('echo first > f', merged);
const mountOf = (path) => fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\\n').find((line) => line.split(' ')[4] === path)?.split(' ')[0];
const id = mountOf(merged);
root.unmount();
const held = fs.readdirSync('/proc/self/fdinfo').some((fd) => {
  try { return fs.readFileSync('/proc/self/fdinfo/' + fd, 'utf8').includes('mnt_id:\\t' + id + '\\n'); } catch { return false; }
});
const shown = fs.existsSync(merged + '/f');
await root.dispose();
const next = await snapshotter.prepare(layersOf(o.layers), { place: { folder: o.place, keep: true } });
const said = sh('cat f; echo second >> f; cat f', next.mount());
next.unmount();
await next.dispose();
const writer = fs.openSync(fifo, 'w');
for (const fd of await Promise.all(opened)) fs.closeSync(fd);
fs.closeSync(writer);
return { shown, held, said };
`;

describe.each(['trusted', 'user', 'whole'] as const)('a root that stays, kept as %s', (format) => {
  let folder: string;
  let agent: RootfsAgent;
  let layers: unknown;
  const place = (name: string): string => {
    const path = join(folder, 'store', 'containers', name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-kept-'));
    agent = startAgent({ storeFolder: join(folder, 'store'), format });
    layers = await agent.run(BASE);
  });
  afterAll(async () => {
    await agent.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is gone on with, and looked at as its image with what was written', async () => {
    const o = { layers, place: place('a'), keep: true };
    const script =
      'echo 12345 > new; rm -r gone; rm -r anew; mkdir anew; echo s > anew/same; touch etc/hosts; chmod 700 opt';
    await agent.run(WORK, { ...o, script });
    expect(await agent.run(WORK, { ...o, script: 'cat new; ls anew' })).toBe('12345\nsame\n');
    const seen = await agent.run(LOOK, o);
    expect(seen).toEqual({
      changes: [
        'changed anew',
        'removed anew/old',
        'changed anew/same',
        'removed gone',
        'added new',
        'changed opt',
      ],
      bytes: 8,
      layer: expect.anything(),
      names: ['anew/', 'anew/same', 'etc/', 'etc/one', 'new', 'opt/'],
      packed: true,
    });
    const { layer } = seen as { layer: unknown };
    const view = await agent.view([...(layers as []), layer] as never);
    expect(Object.keys(view).sort()).toEqual(['', 'anew', 'anew/same', 'etc', 'etc/one', 'new', 'opt']);
    await agent.run('snapshotter.discard(o.place)', o);
    expect(readdirSync(o.place)).toEqual(['tar']);
  });

  it('is as its image if nothing was written, or nothing ran', async () => {
    const o = { layers, place: place('b'), keep: true };
    const whole = ['anew/', 'anew/old', 'anew/same', 'etc/', 'etc/one', 'gone/', 'gone/f', 'opt/'];
    const nothing = { changes: [], bytes: 0, layer: undefined, names: whole, packed: true };
    expect(await agent.run(LOOK, o)).toEqual(nothing);
    await agent.run(WORK, { ...o, script: 'touch x; rm x' });
    expect(await agent.run(LOOK, o)).toEqual(nothing);
  });

  it('is committed while it is used, also one that goes', async () => {
    const o = { layers, place: place('c'), keep: false };
    const seen = await agent.run(WORK, { ...o, script: 'echo x > new', look: true });
    expect(seen).toEqual({ changes: ['added new'], layer: expect.anything() });
    expect(existsSync(join(o.place, 'root'))).toBe(false);
    expect(await agent.run(LOOK, o)).toMatchObject({ changes: [], bytes: 0 });
  });

  it('is out of view and can be gone on with before the file system is done with it', async () => {
    const o = { layers, place: place('busy') };
    const { shown, held, said } = (await agent.run(BUSY, o)) as Record<string, unknown>;
    // Nothing has waited for the last reference to go.
    expect(held).toBe(format !== 'whole');
    expect(said).toBe('first\nfirst\nsecond\n');
    // A copy is not mounted, and lies where it is shown.
    expect(shown).toBe(format === 'whole');
    const after = await agent.run(WORK, { ...o, keep: true, script: 'cat f' });
    expect(after).toBe('first\nsecond\n');
  });

  it('is committed the same, copied first or read where it is', async () => {
    const { restless, rested } = (await agent.run(RESTED, { layers, place: place('rested') })) as {
      restless: LayerRef;
      rested: LayerRef;
    };
    expect(rested).toEqual(restless);
    const view = await agent.view([...(layers as LayerRef[]), rested]);
    expect(view['gone/f']).toBeUndefined();
    expect(view.f).toMatch(/^file 644 0:0 \d+ 7 /);
    expect([view.second, view.link]).toEqual([view.f, expect.stringMatching(/-> f$/)]);
  });

  it('is not read as what it is not', async () => {
    const o = { layers, place: place('d'), keep: true };
    await agent.run(WORK, { ...o, script: 'true' });
    await agent.run("fs.writeFileSync(o.place + '/root/format', 'other')", o);
    await expect(agent.run(WORK, { ...o, script: 'true' })).rejects.toMatchObject({
      code: 'ROOTFS_KEPT_FORMAT',
    });
  });
});
