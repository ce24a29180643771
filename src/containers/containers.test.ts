import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureLayout } from '../store/layout.ts';
import { ownerId } from '../store/owner.ts';
import { checkContainers } from './check-containers.ts';
import { formatContainer, parseContainer } from './container-file.ts';
import { type ContainerRecords, openContainerRecords } from './container-records.ts';
import { settleState } from './container-state.ts';
import { findContainer } from './find-container.ts';
import { parseSignal, stopContainer, waitForContainer } from './signal-container.ts';
import type { Container, ContainerState } from './types.ts';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: DIGEST, size: 1 };

const containerOf = (first: string, more: Partial<Container> = {}): Container => ({
  id: first.padEnd(64, '0'),
  name: 'box',
  createdAt: 1000,
  image: { name: 'base', id: DIGEST, manifest: blob, layers: [{ blob, diffId: DIGEST }] },
  process: {
    args: ['sh'],
    env: [],
    cwd: '/',
    user: '',
    network: 'host',
    hostname: 'box',
    tty: false,
    binds: [],
  },
  config: {},
  interactive: false,
  autoRemove: false,
  state: { kind: 'created' },
  ...more,
});

const running = (owner: string, startedAt = 5000): ContainerState => ({ kind: 'running', startedAt, owner });
/** A process that cannot be: its start is before all others. */
const DEAD = ownerId().replace(/-(\d+)-/, '-1-');

describe('what became of a container', () => {
  const seen = (ownerState: 'alive' | 'dead' | 'unknown', bootedAt = 1) => ({
    ownerState: () => ownerState,
    now: 9000,
    bootedAt,
  });
  const container = containerOf('1', { state: running('x') });

  it('is nothing new while its command lives, or cannot be asked', () => {
    expect(settleState(container, seen('alive'))).toBe(container);
    expect(settleState(container, seen('unknown'))).toBe(container);
    const created = containerOf('1');
    expect(settleState(created, seen('dead'))).toBe(created);
  });

  it('is that it was killed with its command, seen now, or when the machine started', () => {
    expect(settleState(container, seen('dead')).state).toMatchObject({
      kind: 'exited',
      code: 137,
      startedAt: 5000,
      finishedAt: 9000,
    });
    expect(settleState(container, seen('dead', 7000)).state).toMatchObject({
      finishedAt: 7000,
      problem: 'the machine was restarted',
    });
  });

  it('is that it ended as it did, when nobody is left to start it again', () => {
    const ended = { startedAt: 5000, finishedAt: 6000, code: 3 };
    const waits = containerOf('1', { state: { kind: 'restarting', ...ended, owner: 'x' } });
    expect(settleState(waits, seen('alive'))).toBe(waits);
    expect(settleState(waits, seen('dead')).state).toEqual({
      kind: 'exited',
      ...ended,
      problem: 'what was to start it again is gone',
    });
  });
});

describe('the document of a container', () => {
  it('reads as it was written', () => {
    const container = containerOf('1', { state: { kind: 'exited', startedAt: 1, finishedAt: 2, code: 3 } });
    expect(parseContainer(formatContainer(container), container.id)).toEqual(container);
  });

  it.each([
    ['', 'it is no JSON'],
    ['[]', 'it is of version undefined, want 1'],
    ['null', 'it is no object'],
    [formatContainer(containerOf('2')), 'it has another id than its folder'],
    [formatContainer(containerOf('1')).replace('"created"', '"dancing"'), 'it has no state'],
    [formatContainer(containerOf('1')).replaceAll(DIGEST, '../x'), 'it has no layers'],
  ])('is refused: %j', (text, problem) => {
    expect(parseContainer(text, containerOf('1').id)).toBe(problem);
  });
});

describe('finding a container', () => {
  const all = [
    containerOf('abc1', { name: 'eager_carver' }),
    containerOf('abd2', { name: 'abd' }),
    containerOf('abd3', { name: 'calm_todd' }),
  ];

  it('goes by id, name, then the beginning of one id', () => {
    expect(findContainer(all, all[0]!.id)).toBe(all[0]);
    expect(findContainer(all, '/eager_carver')).toBe(all[0]);
    expect(findContainer(all, 'abd')).toBe(all[1]);
    expect(findContainer(all, 'abd3')).toBe(all[2]);
  });

  it('fails for the beginning of several, and offers what is near', () => {
    expect(() => findContainer(all, 'ab')).toThrow(
      expect.objectContaining({
        code: 'CONTAINER_AMBIGUOUS',
        message: expect.stringContaining('abc100000000'),
      }),
    );
    expect(() => findContainer(all, 'eager_crver')).toThrow(
      expect.objectContaining({ code: 'CONTAINER_UNKNOWN', hint: 'did you mean eager_carver?' }),
    );
  });
});

describe('the containers of a store', () => {
  let folder: string;
  let records: ContainerRecords;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-containers-'));
    ensureLayout(folder, () => {});
    records = openContainerRecords(folder, { now: () => 9000, random: () => 0 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are listed newest first, and broken ones are told', async () => {
    await records.create(containerOf('1', { createdAt: 1 }));
    await records.create({ ...containerOf('2', { createdAt: 2 }), name: undefined });
    writeFileSync(
      join(records.folderOf((await records.create(containerOf('3', { name: 'bad' }))).id), 'container.json'),
      '{',
    );
    const broken: unknown[] = [];
    const names = (await records.list((error) => broken.push(error))).map(({ name }) => name);
    expect(names).toEqual(['able_archer', 'box']);
    expect(broken).toMatchObject([{ code: 'CONTAINER_BROKEN' }]);
    mkdirSync(join(folder, 'containers', 'stray'));
    expect([...checkContainers(folder)].map(({ what }) => what)).toEqual([
      `containers/${containerOf('3').id} cannot be read: it is no JSON`,
      'containers/stray is not named by an id',
    ]);
  });

  it('have names of their own, also when many are made at once', async () => {
    await records.create(containerOf('1'));
    await expect(records.create(containerOf('2'))).rejects.toMatchObject({ code: 'CONTAINER_NAME_TAKEN' });
    await expect(records.rename(containerOf('1').id, 'box')).resolves.toBeUndefined();
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, n) => records.create({ ...containerOf(`${n}a`), name: undefined })),
    );
    expect(new Set(made.map(({ name }) => name)).size).toBe(8);
    await expect(records.rename(made[0]!.id, 'box')).rejects.toMatchObject({ code: 'CONTAINER_NAME_TAKEN' });
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('that died and were to remove themselves leave their names to others, whoever comes first', async () => {
    const short = { autoRemove: true, state: running(DEAD) };
    await records.create(containerOf('1', short));
    await records.create(containerOf('2'));
    await records.create(containerOf('3', { ...short, name: 'other' }));
    await records.rename(containerOf('2').id, 'other');
    expect(readdirSync(join(folder, 'containers'))).toEqual([containerOf('2').id]);
    const alive = { ...short, name: 'alive', state: running(ownerId()) };
    await records.create(containerOf('4', alive));
    await expect(records.create(containerOf('5', alive))).rejects.toMatchObject({
      code: 'CONTAINER_NAME_TAKEN',
    });
  });

  it('that died have ended, and are gone if they were to remove themselves', async () => {
    await records.create(containerOf('1', { state: running(DEAD) }));
    await records.create(containerOf('2', { name: 'short', autoRemove: true, state: running(DEAD) }));
    await records.create(containerOf('3', { name: 'alive', state: running(ownerId()) }));
    const states = (await records.list()).map(({ name, state }) => [name, state.kind]);
    expect(states).toEqual([
      ['box', 'exited'],
      ['alive', 'running'],
    ]);
    expect(readdirSync(join(folder, 'containers'))).toHaveLength(2);
    expect(await waitForContainer({ records }, containerOf('1'))).toBe(137);
  });
});

describe('signals', () => {
  it('a signal has a name or a number', () => {
    expect([parseSignal('TERM'), parseSignal('sighup'), parseSignal('9')]).toEqual([
      'SIGTERM',
      'SIGHUP',
      'SIGKILL',
    ]);
    expect(() => parseSignal('DANCE')).toThrow(expect.objectContaining({ code: 'CONTAINER_SIGNAL' }));
  });

  it('have nothing to do for a container that ends by itself while it is to be stopped', async () => {
    const container = containerOf('1', {
      restart: { name: 'always', most: 0 },
      state: running(ownerId()),
    });
    const ended: ContainerState = { kind: 'exited', startedAt: 5000, finishedAt: 5001, code: 3 };
    let now = container;
    const records = {
      get: () => now,
      change: async (_: string, change: (before: Container) => Container) => {
        const changed = change(now);
        now = { ...changed, state: ended };
        return changed;
      },
    } as unknown as ContainerRecords;
    await stopContainer({ records }, container, { signal: 'SIGTERM', seconds: 1 });
    expect(now.state).toEqual(ended);
  });
});
