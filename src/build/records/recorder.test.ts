import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDockerfile } from '../../dockerfile/parse-dockerfile.ts';
import { planBuild } from '../plan.ts';
import { isRunning, listRecords, logPath, readRecord, trimRecords } from './record-files.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { openStepLog } from './step-log.ts';
import { writtenText } from './written-text.ts';

const ID = `sha256:${'0123456789abcdef'.repeat(4)}` as const;
const BUILT = { kind: 'built', imageId: ID, manifest: ID } as const;
const platform = { os: 'linux', architecture: 'amd64' };
const DOCKERFILE =
  'FROM scratch\nARG TOKEN\nENV A=$TOKEN\nRUN \\\n  # why\n  make $TOKEN\nCOPY \\\n  a$TOKEN   b /\n';
const graph = planBuild(parseDockerfile(DOCKERFILE), new Map(), {
  buildArgs: new Map([['TOKEN', 's3cret']]),
  platform,
  buildPlatform: platform,
  fileName: 'Dockerfile',
});
const stepOf = (word: string) => graph.steps.find(({ text, implied }) => !implied && text.startsWith(word))!;

let folder: string;
let clock: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-records-'));
  writeFileSync(join(folder, 'oci-layout'), '{}');
  clock = 1_700_000_000_000;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function recorder(maxLogBytes?: number): Recorder {
  const about = { names: [], context: '/src', target: undefined, platforms: ['linux/amd64'] };
  const made = createRecorder({ storeFolder: folder, now: () => clock++, about, maxLogBytes });
  made.reads('/src/Dockerfile', DOCKERFILE);
  made.watch({ kind: 'planned', graph });
  return made;
}
const files = (): string[] => readdirSync(join(folder, 'builds')).sort();
const newest = () => readRecord(listRecords(folder)[0]!);

describe('a recorder', () => {
  it('writes one file at the end of a build that found everything', async () => {
    const one = recorder();
    for (const { id } of graph.steps) one.watch({ kind: 'cached', step: id, imageId: ID });
    expect(existsSync(join(folder, 'builds'))).toBe(false);
    await one.end(BUILT);
    expect(files()).toEqual([`1700000000000-${one.id}.json`]);
    expect(newest()?.steps.every(({ outcome }) => outcome === 'cached')).toBe(true);
  });

  it('can be seen from the first step that runs, and holds a lock until the end', async () => {
    const one = recorder();
    const { id } = stepOf('RUN');
    one.watch({ kind: 'started', step: id, why: ['ARG TOKEN changed: s3cret → t', 'a is new'] });
    one.watch({ kind: 'output', step: id, stream: 'stdout', bytes: Buffer.from('half a ') });
    one.watch({ kind: 'output', step: id, stream: 'stderr', bytes: Buffer.from('line') });
    const [file] = listRecords(folder);
    await expect.poll(() => listRecords(folder).length).toBe(1);
    const seen = listRecords(folder)[0]!;
    expect(file === undefined || file.id === seen.id).toBe(true);
    expect(await isRunning(seen)).toBe(true);
    expect(readRecord(seen)).toMatchObject({ endedAt: undefined, outcome: undefined });
    expect(readFileSync(logPath(seen, id), 'utf8')).toBe('half a line');
    one.watch({ kind: 'done', step: id, imageId: ID, ms: 7, layerBytes: 9 });
    await one.end(BUILT);
    expect(await isRunning(seen)).toBe(false);
    expect(newest()?.steps.find((step) => step.id === id)).toMatchObject({
      outcome: 'ran',
      ms: 7,
      layerBytes: 9,
      why: ['ARG TOKEN changed', 'a is new'],
      printed: 11,
    });
  });

  it('leaves nothing of values of arguments but what the Dockerfile holds', async () => {
    const one = recorder();
    for (const { id } of graph.steps)
      one.watch({
        kind: 'started',
        step: id,
        why: [
          'the instruction changed: ENV A=old → ENV A=s3cret',
          'the working directory changed: /s3cret → /',
        ],
      });
    await one.end({ kind: 'cancelled' });
    expect(readFileSync(join(folder, 'builds', files().at(-1)!), 'utf8')).not.toContain('s3cret');
    expect(newest()?.steps.map(({ outcome }) => outcome)).toContain('stopped');
    expect(['ARG', 'ENV', 'RUN', 'COPY'].map((word) => writtenText(stepOf(word), DOCKERFILE))).toEqual([
      'ARG TOKEN',
      'ENV A=$TOKEN',
      'RUN make $TOKEN',
      'COPY a$TOKEN b /',
    ]);
    // Of a trigger the text stands in another file.
    expect(writtenText(stepOf('ARG'), 'FROM a\n'.repeat(20))).toBe('ARG TOKEN');
  });

  it('makes no store for a build that came to nothing, and no error of a disk that takes nothing', async () => {
    rmSync(join(folder, 'oci-layout'));
    await recorder().end({ kind: 'cancelled' });
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, 'oci-layout'), '{}');
    writeFileSync(join(folder, 'builds'), 'no folder');
    const one = recorder();
    const { id } = stepOf('RUN');
    one.watch({ kind: 'started', step: id, why: [] });
    one.watch({ kind: 'output', step: id, stream: 'stdout', bytes: Buffer.from('x') });
    expect(await one.end(BUILT)).toEqual([]);
  });
});

describe('the folder of records', () => {
  it('keeps the newest, and those of builds that run', async () => {
    const running = recorder();
    running.watch({ kind: 'started', step: stepOf('RUN').id, why: [] });
    await expect.poll(() => listRecords(folder).length).toBe(1);
    for (let at = 0; at < 4; at++) await recorder().end(BUILT);
    const ids = listRecords(folder).map(({ id }) => id);
    expect(await trimRecords(folder, { most: 2, spare: 3 })).toEqual([]);
    mkdirSync(join(folder, 'builds/1600000000000-leftoverlogs'));
    expect(await trimRecords(folder, { most: 2, spare: 0 })).toEqual([ids[2], ids[3], 'leftoverlogs']);
    expect(listRecords(folder).map(({ id }) => id)).toEqual([ids[0], ids[1], running.id]);
    await running.end(BUILT);
    expect(await trimRecords(folder, { most: 2, spare: 0 })).toEqual([running.id]);
    expect(files()).toHaveLength(2);
  });
});

describe('the log of a step', () => {
  it('ends with a line that says so at its limit', () => {
    const path = join(folder, 'builds/x/s1.log');
    const log = openStepLog(path, 10);
    for (const text of ['12345', '678', '90ab', 'cd']) log.add(Buffer.from(text));
    log.close();
    expect(log.printed).toBe(14);
    expect(readFileSync(path, 'utf8')).toBe(
      "1234567890\n[dobos keeps the first 10 bytes of a step's output; what came then is not here]\n",
    );
  });
});
