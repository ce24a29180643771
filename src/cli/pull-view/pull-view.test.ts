import { describe, expect, it } from 'vitest';
import { fakeTerminal, screenOf } from '../../../test/support/fake-terminal.ts';
import type { PullNotice } from '../../app/pull.ts';
import { sha256 } from '../../base/bytes.ts';
import type { Descriptor } from '../../oci/types.ts';
import { createPaint } from '../colour.ts';
import { keptLine } from './kept-line.ts';
import { createPullLines } from './pull-lines.ts';
import { createPullRows } from './pull-rows.ts';
import { createPullView } from './pull-view.ts';

const NAME = 'docker.io/library/debian:latest';
const MB = 1_000_000;
const layer = (at: number, size = 45_600_000): Descriptor => ({
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: sha256(`layer ${at}`),
  size,
});
const id = (at: number): string => layer(at).digest.slice(7, 19);
const step = (at: number, state: Extract<PullNotice, { kind: 'layer' }>['state'], done = 0): PullNotice => ({
  kind: 'layer',
  name: NAME,
  layer: layer(at),
  state,
  done,
});
const done: PullNotice = { kind: 'done', name: NAME, target: layer(99), status: 'downloaded' };
const begun: readonly PullNotice[] = [
  { kind: 'begun', name: NAME, missing: true },
  { kind: 'layers', name: NAME, layers: [layer(1), layer(2), layer(3)] },
  step(1, 'present'),
  step(2, 'waiting'),
  step(3, 'waiting'),
];

describe('a pull without a terminal', () => {
  it('is told in the lines that docker prints', () => {
    let text = '';
    const show = createPullLines((part) => {
      text += part;
    });
    const size = layer(2).size;
    const moves = [step(2, 'started'), step(2, 'moved', 5), step(2, 'moved', size), step(2, 'stored', size)];
    for (const notice of [...begun, ...moves, done]) show(notice);
    expect(text.trim().split('\n')).toEqual([
      "Unable to find image 'debian:latest' locally",
      'latest: Pulling from library/debian',
      `${id(1)}: Already exists`,
      `${id(2)}: Pulling fs layer`,
      `${id(3)}: Pulling fs layer`,
      `${id(2)}: Verifying Checksum`,
      `${id(2)}: Download complete`,
      `${id(2)}: Pull complete`,
      `Digest: ${layer(99).digest}`,
      'Status: Downloaded newer image for debian:latest',
    ]);
  });

  it('says what the registry says, without its escape sequences', () => {
    let text = '';
    const show = createPullLines((part) => {
      text += part;
    });
    show({ kind: 'warning', host: 'example.org', text: 'old\u001b[31m\nserver' });
    show({
      kind: 'retry',
      url: 'https://example.org/v2/',
      attempt: 1,
      waitMs: 3000,
      why: '429 Too Many Requests',
    });
    expect(text.split('\n').length).toBe(3);
    expect(text).not.toContain('\u001b');
    expect(text).toContain('example.org: 429 Too Many Requests; trying again in 3.0s');
  });

  it('writes whole names where the tag is a digest', () => {
    let text = '';
    const show = createPullLines((part) => {
      text += part;
    });
    const name = `docker.io/library/debian@${layer(99).digest}`;
    show({ kind: 'layers', name, layers: [] });
    show({ kind: 'done', name, target: layer(99), status: 'up-to-date' });
    expect(text).toBe(
      `${name}: Pulling from library/debian\nDigest: ${layer(99).digest}\nStatus: Image is up to date for debian@${layer(99).digest}\n`,
    );
  });
});

describe('a pull on a terminal', () => {
  const rowsOf = (notices: readonly PullNotice[], columns = 80, lines = 24): readonly string[] => {
    const rows = createPullRows(createPaint(false));
    for (const notice of notices) rows.show(notice);
    const frame = rows.frame(columns, lines);
    return [...frame.settled.split('\n').slice(0, -1), ...frame.lines];
  };

  it('has a bar for each layer that comes, of one width', () => {
    const half = rowsOf([...begun, step(2, 'moved', 22_800_000), step(3, 'started')]);
    expect(half).toEqual([
      "Unable to find image 'debian:latest' locally",
      'latest: Pulling from library/debian',
      `${id(1)}: Already exists`,
      `${id(2)}: Downloading [${`${'='.repeat(16)}>`.padEnd(35)}]   22.8MB/45.6MB`,
      `${id(3)}: Downloading [${'>'.padEnd(35)}]       0B/45.6MB`,
    ]);
    for (let bytes = 0; bytes < layer(2).size; bytes += 777_777) {
      const [, , , row = ''] = rowsOf([...begun, step(2, 'moved', bytes)]);
      expect(row.length).toBe(79);
    }
  });

  it.each([20, 30, 40, 60, 80, 200])('fits %d columns', (columns) => {
    for (const line of rowsOf([...begun, step(2, 'moved', 12 * MB)], columns)) {
      expect(line.length).toBeLessThan(Math.max(columns, 21));
    }
  });

  it('shows what comes and how much is done where there is no room for all layers', () => {
    const layers = Array.from({ length: 60 }, (_, at) => layer(at));
    const notices: PullNotice[] = [
      { kind: 'layers', name: NAME, layers },
      ...layers.map((_, at) => step(at, at < 50 ? 'present' : 'waiting')),
      step(55, 'moved', MB),
    ];
    const lines = rowsOf(notices, 80, 10);
    expect(lines.length).toBeLessThan(10);
    expect(lines.at(-1)).toBe('50 of 60 layers complete');
    expect(lines[1]).toContain(`${id(55)}: Downloading [`);
    const all = rowsOf([...notices, done], 80, 10);
    expect(all.length).toBe(1 + 60 + 2);
  });

  it('shows several pulls below each other, and settles each when it is over', () => {
    const rows = createPullRows(createPaint(false));
    for (const notice of [...begun, done]) rows.show(notice);
    rows.show({ kind: 'begun', name: 'quay.io/other:1', missing: false });
    rows.show({ kind: 'layers', name: 'quay.io/other:1', layers: [layer(4)] });
    const first = rows.frame(80, 24);
    expect(first.settled).toContain('Status: Downloaded newer image for debian:latest\n');
    expect(first.lines[0]).toBe('1: Pulling from other');
    expect(rows.frame(80, 24).settled).toBe('');
  });

  it('leaves all its lines in place when it ends early, and says what was kept', async () => {
    const terminal = fakeTerminal({ errIsTty: true });
    const view = await createPullView(terminal, 'err');
    for (const notice of [...begun, step(2, 'moved', 10 * MB), step(3, 'stored', layer(3).size)])
      view.show(notice);
    view.end(true);
    const screen = screenOf(terminal.stderr());
    expect(screen[4]).toBe(`${id(3)}: Pull complete`);
    expect(screen[5]).toBe('55.6MB of 91.2MB are here already; pulling again goes on from there');
    expect(screen.length).toBe(6);
  });

  it('says nothing of what was kept when nothing was', () => {
    const rows = createPullRows(createPaint(false));
    for (const notice of begun) rows.show(notice);
    expect(keptLine(rows, true)).toBeUndefined();
    rows.show(step(2, 'moved', MB));
    expect(keptLine(rows, false)).toBeUndefined();
    const small = { ...layer(7), size: 200_000 };
    const only = createPullRows(createPaint(false));
    only.show({ kind: 'layers', name: NAME, layers: [small] });
    only.show({ kind: 'layer', name: NAME, layer: small, state: 'moved', done: 150_000 });
    expect(keptLine(only, true)).toBeUndefined();
  });
});
