import { describe, expect, it, vi } from 'vitest';
import { fakeTerminal, screenOf } from '../../../test/support/fake-terminal.ts';
import type { BuildEvent } from '../../build/build-events.ts';
import type { BuildGraph } from '../../build/graph.ts';
import { planBuild } from '../../build/plan.ts';
import { parseDockerfile } from '../../dockerfile/parse-dockerfile.ts';
import { createPaint } from '../colour.ts';
import { formatSummary } from './build-summary.ts';
import { hideImplied } from './hide-implied.ts';
import { createLiveView } from './live-view.ts';
import { createPlainView } from './plain-view.ts';

const LONG =
  'RUN echo a very long instruction that goes on and on until no terminal has room for it any more, really';
const platform = { os: 'linux', architecture: 'amd64' };

function graphOf(text: string): BuildGraph {
  const o = { buildArgs: new Map(), platform, buildPlatform: platform, fileName: 'Dockerfile' };
  return planBuild(parseDockerfile(text), new Map(), o);
}

const ID = `sha256:${'0123456789abcdef'.repeat(4)}` as const;
const graph = graphOf(`FROM scratch\n${LONG}\nCOPY a /\nCMD ["/a"]\n`);
const [run, copy, cmd] = graph.steps.filter(({ createdBy }) => createdBy !== undefined).map(({ id }) => id);
const start = graph.steps[0]!.id;

const EVENTS: readonly BuildEvent[] = [
  { kind: 'planned', graph },
  { kind: 'cached', step: start, imageId: ID },
  { kind: 'started', step: run!, why: ['ARG A changed: 1 → 2'] },
  { kind: 'output', step: run!, stream: 'stdout', bytes: Buffer.from('10%\r100%\nhalf a ') },
  { kind: 'output', step: run!, stream: 'stderr', bytes: Buffer.from('line\n\u001b[31mred\u001b[0m') },
  { kind: 'done', step: run!, imageId: ID, ms: 1234, layerBytes: 1_500_000 },
  { kind: 'context', step: copy!, files: 1, bytes: 96, ignored: 2 },
  { kind: 'started', step: copy!, why: [] },
  { kind: 'done', step: copy!, imageId: ID, ms: 5, layerBytes: 2048 },
  { kind: 'warning', message: 'mind the gap', line: 3 },
  { kind: 'done', step: cmd!, imageId: ID, ms: 0, layerBytes: undefined },
];

describe('the plain view', () => {
  it('is one line an event with the number of the step, without cursor movement', () => {
    let text = '';
    const view = hideImplied(
      createPlainView(
        (more) => (text += more),
        () => 1000,
      ),
    );
    for (const event of EVENTS) view.show(event);
    view.end();
    expect(text).toBe(`#1 [1/4] FROM scratch
#1 cached  0123456789ab
#2 [2/4] ${LONG}
#2 why: ARG A changed: 1 → 2
#2 0.00 100%
#2 0.00 half a line
#2 0.00 red
#2 done 1.2s  1.5 MB  0123456789ab
#3 [3/4] COPY a /
#3 reads 1 file, 96 B of the context; 2 ignored
#3 done 0.0s  2.0 kB  0123456789ab
warning: mind the gap (line 3)
#4 [4/4] CMD ["/a"]
#4 done 0.0s  0123456789ab
`);
  });

  it('calls a step stopped that was told to end, and failed any other', () => {
    let text = '';
    const view = createPlainView(
      (more) => (text += more),
      () => 0,
    );
    view.show({ kind: 'planned', graph });
    view.show({ kind: 'failed', step: run!, ms: 100, error: new DOMException('x', 'AbortError') });
    view.show({ kind: 'failed', step: copy!, ms: 100, error: new Error('x') });
    expect(text).toContain('#2 stopped after 0.1s');
    expect(text).toContain('#3 failed after 0.1s');
  });
});

describe('the live view', () => {
  const draw = (width: number, events: readonly BuildEvent[], end = true): string[] => {
    vi.useFakeTimers();
    try {
      const terminal = fakeTerminal({ width, errIsTty: true });
      const view = hideImplied(createLiveView(terminal, createPaint(false), () => 1000));
      for (const event of events) {
        view.show(event);
        vi.advanceTimersByTime(100);
      }
      if (end) view.end();
      return screenOf(terminal.stderr());
    } finally {
      vi.useRealTimers();
    }
  };

  it.each([40, 60, 72, 80, 100, 200])('fits a terminal of %d columns, marks under marks', (width) => {
    const lines = draw(width, EVENTS);
    expect(lines.filter((line) => line.length >= width)).toEqual([]);
    const rows = lines.filter((line) => line.startsWith('✓'));
    expect(rows).toHaveLength(3);
    expect(new Set(rows.map((row) => row.search(/\d+\.\ds/))).size).toBe(1);
  });

  it('shows the last lines of a running step, and folds them when it is done', () => {
    const running = draw(100, EVENTS.slice(0, 5), false);
    expect(running.slice(-3).map((line) => line.trim())).toEqual([
      expect.stringMatching(/^▸ \[2\/4\] RUN echo a very long/),
      '100%',
      'half a line',
    ]);
    expect(draw(100, EVENTS).join('\n')).not.toContain('half a line');
  });

  it('leaves what a failed step said', () => {
    const lines = draw(80, [
      ...EVENTS.slice(0, 5),
      { kind: 'failed', step: run!, ms: 5, error: new Error('x') },
    ]);
    expect(lines.find((line) => line.startsWith('✗'))).toMatch(/0\.0s +failed$/);
    expect(lines.slice(-3)).toEqual(['    100%', '    half a line', '    red']);
  });
});

describe('the summary of a build', () => {
  const image = { manifest: { config: { digest: ID } } };
  const report = { imageId: ID, ms: 0, savedMs: 2000, layerBytes: undefined };
  const built = {
    image,
    graph,
    names: ['docker.io/library/app:1'],
    platforms: [{ os: 'linux', architecture: 'amd64' }],
    kept: true,
    squashes: [
      { what: 'all', layers: 3, baseLayers: 2, report: { layers: 3, into: 1, before: 12e6, after: 7e6 } },
    ],
    steps: graph.steps.map(({ id }) => ({
      ...report,
      step: id,
      cached: id === start,
      why: id === run ? ['a.c changed'] : ['the files of a step above changed'],
    })),
  } as unknown as Parameters<typeof formatSummary>[0];
  const facts = { size: 5_000_000, hidden: 3_000_000, layers: 2 };
  const summary = (o: { explain?: boolean; columns?: number }): string[] =>
    formatSummary(built, facts, {
      milliseconds: 1500,
      explain: o.explain ?? false,
      paint: createPaint(false),
      columns: o.columns,
    }).split('\n');

  it('says what ran and why, the size, what is hidden, and where to look next', () => {
    expect(summary({})).toEqual([
      '',
      'Built app:1 in 1.5s: 3 of 4 steps ran, 1 cached',
      `  ~ [2/4] ${LONG}: a.c changed`,
      'squashed 3 layers into 1: 12.0 MB became 7.0 MB, 5.0 MB of hidden files gone',
      'no layer is shared with the base any more',
      `${ID}  5.0 MB in 2 layers, 3.0 MB hidden`,
      'look inside: dobos explore app:1',
      '',
    ]);
  });

  it('has a line for every step when asked to explain', () => {
    expect(summary({ explain: true }).filter((line) => /^ {2}[=~] /.test(line))).toHaveLength(4);
  });

  it.each([40, 60, 80, 100])('fits a terminal of %d columns', (columns) => {
    expect(
      summary({ explain: true, columns }).filter((line) => line.length >= Math.max(columns, 50)),
    ).toEqual([]);
  });
});
