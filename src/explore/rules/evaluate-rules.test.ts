import { describe, expect, test } from 'vitest';
import { exploredLayers } from '../../../test/support/explored.ts';
import type { VectorEntry } from '../../../test/support/vector-tar.ts';
import { evaluateRules } from './evaluate-rules.ts';
import { pathMatcher, patternProblem } from './path-patterns.ts';
import { type LimitedRule, readLimit } from './read-limit.ts';
import type { RuleLimits, RuleOptions, RuleResult } from './types.ts';

const file = (path: string, size: number): VectorEntry => ({
  path,
  type: 'file',
  content: 'x'.repeat(size),
  tarPath: path,
});
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });

const LAYERS = [
  [file('base', 1000), file('cache/a', 300)],
  [file('cache/b', 200), file('app', 500)],
  [gone('cache/.wh.a'), gone('cache/.wh.b')],
];

async function evaluate(
  limits: RuleLimits,
  o: Partial<RuleOptions> & { layers?: typeof LAYERS; against?: typeof LAYERS; first?: number } = {},
): Promise<readonly RuleResult[]> {
  const explored = await exploredLayers(o.layers ?? LAYERS);
  const { levels } = explored.report;
  const own = levels.map((level) => ({ ...level, first: o.first ?? level.first }));
  const subject = { ...explored, report: { ...explored.report, levels: own } };
  const against =
    o.against === undefined ? undefined : { ...(await exploredLayers(o.against)), name: 'old:1' };
  return evaluateRules(subject, against, { ignore: [], ownLayers: false, ...o, limits });
}

describe('bytes that nobody sees', () => {
  test.each<readonly [RuleLimits, 'passed' | 'failed', number]>([
    [{ 'min-efficiency': 0.75 }, 'passed', 0.75],
    [{ 'min-efficiency': 0.7500001 }, 'failed', 0.75],
    [{ 'max-hidden': 500 }, 'passed', 500],
    [{ 'max-hidden': 499 }, 'failed', 500],
    [{ 'max-hidden': 0 }, 'failed', 500],
    [{ 'max-hidden-share': 0.25 }, 'passed', 0.25],
    [{ 'max-hidden-share': 0.24 }, 'failed', 0.25],
  ])('%j: %s', async (limits, status, actual) => {
    const [result, ...others] = await evaluate(limits);
    expect(others).toEqual([]);
    expect(result).toMatchObject({ status, actual, more: 0 });
    expect(result!.findings.map(({ path }) => path)).toEqual(
      status === 'failed' ? ['cache/a', 'cache/b'] : [],
    );
  });

  test('are told with the layers that store and hide them', async () => {
    const [result] = await evaluate({ 'max-hidden': 1 });
    expect(result!.message).toBe('500 B are shipped but not visible, at most 1 B may be');
    expect(result!.findings).toEqual([
      {
        message: '/cache/a: 300 B; layer 0 stores it, layer 2 removes it',
        path: 'cache/a',
        bytes: 300,
        layer: 0,
        hiddenBy: 2,
      },
      {
        message: '/cache/b: 200 B; layer 1 stores it, layer 2 removes it',
        path: 'cache/b',
        bytes: 200,
        layer: 1,
        hiddenBy: 2,
      },
    ]);
  });

  test('do not count where they are ignored', async () => {
    const limits = { 'min-efficiency': 0.9, 'max-hidden': 200, 'max-hidden-share': 0.1 };
    const results = await evaluate(limits, { ignore: ['cache/a'] });
    expect(results.map(({ actual, status }) => [actual, status])).toEqual([
      [0.9, 'passed'],
      [200, 'passed'],
      [0.1, 'passed'],
    ]);
  });

  test('do not count in the layers of the base, where only own layers are asked about', async () => {
    const limits = { 'min-efficiency': 0.5, 'max-hidden': 200, 'max-hidden-share': 0.5 };
    const all = await evaluate(limits, { first: 1 });
    expect(all.map(({ actual }) => actual)).toEqual([0.75, 500, 200 / 700]);
    expect(all[2]!.message).toBe(
      '28.57 % of the bytes of the layers from 1 up are hidden, at most 50 % may be',
    );
    const own = await evaluate(limits, { first: 1, ownLayers: true });
    expect(own.map(({ actual }) => actual)).toEqual([500 / 700, 200, 200 / 700]);
    const none = await evaluate(limits, { first: 3, ownLayers: true });
    expect(none.map(({ actual, status }) => [actual, status])).toEqual([
      [1, 'passed'],
      [0, 'passed'],
      [0, 'passed'],
    ]);
  });

  test('of more files than are listed are counted', async () => {
    const files = Array.from({ length: 60 }, (_, i) => file(`f/${i}`, 1 + i));
    const [result] = await evaluate({ 'max-hidden': 0 }, { layers: [files, [gone('.wh.f')]] });
    expect(result).toMatchObject({ actual: 1830, more: 10 });
    expect(result!.findings).toHaveLength(50);
  });

  test('are none in an image without layers', async () => {
    const results = await evaluate(
      { 'min-efficiency': 1, 'max-hidden': 0, 'max-hidden-share': 0 },
      { layers: [] },
    );
    expect(results.map(({ status }) => status)).toEqual(['passed', 'passed', 'passed']);
  });
});

describe('size, layers, growth', () => {
  test('size counts all layers, and names the largest', async () => {
    expect(await evaluate({ 'max-size': 2000 })).toMatchObject([
      { status: 'passed', actual: 2000, findings: [] },
    ]);
    const [failed] = await evaluate({ 'max-size': 1999 });
    expect(failed).toMatchObject({
      status: 'failed',
      message: '2.0 kB in all layers, at most 2.0 kB may be',
    });
    expect(failed!.findings.map(({ layer }) => layer)).toEqual([0, 1]);
  });

  test('layers are counted', async () => {
    expect(await evaluate({ 'max-layers': 3 })).toMatchObject([{ status: 'passed', actual: 3 }]);
    expect(await evaluate({ 'max-layers': 2 })).toMatchObject([
      { status: 'failed', message: '3 layers, at most 2 may be' },
    ]);
  });

  test.each<readonly [RuleLimits['max-growth'], 'passed' | 'failed', number]>([
    [{ unit: 'bytes', value: 1000 }, 'passed', 1000],
    [{ unit: 'bytes', value: 999 }, 'failed', 1000],
    [{ unit: 'share', value: 1 }, 'passed', 1],
    [{ unit: 'share', value: 0.99 }, 'failed', 1],
  ])('growth %j: %s', async (growth, status, actual) => {
    const before = [[file('base', 900), file('app', 100)]];
    const [result] = await evaluate({ 'max-growth': growth }, { against: before });
    expect(result).toMatchObject({ status, actual });
    expect(result!.message).toMatch(/^1\.0 kB larger \(\+100 %\) than old:1, at most /);
    if (status === 'failed')
      expect(result!.findings.map(({ message }) => message)).toEqual([
        '/app: 500 B in layer 1, was 100 B',
        '/base: 1.0 kB in layer 0, was 900 B',
      ]);
  });

  test('a smaller image has not grown', async () => {
    const before = [[file('base', 4000)]];
    const [result] = await evaluate({ 'max-growth': { unit: 'bytes', value: 0 } }, { against: before });
    expect(result).toMatchObject({ status: 'passed', actual: -2000 });
    expect(result!.message).toBe('2.0 kB smaller (-50 %) than old:1, at most 0 B may be');
  });

  test('an image grows from nothing beyond any share', async () => {
    const growth = { 'max-growth': { unit: 'share', value: 100 } } as const;
    expect(await evaluate(growth, { against: [] })).toMatchObject([{ status: 'failed' }]);
    expect(await evaluate(growth, { layers: [], against: [] })).toMatchObject([
      { status: 'passed', actual: 0 },
    ]);
  });

  test('without another image growth is skipped', async () => {
    expect(await evaluate({ 'max-growth': { unit: 'bytes', value: 0 } })).toMatchObject([
      { status: 'skipped' },
    ]);
  });
});

describe('forbidden paths', () => {
  test('are found in every layer, hidden or not, folders once', async () => {
    const layers = [
      [file('srv/.git/config', 10), file('srv/.git/HEAD', 5), file('srv/id_rsa', 7)],
      [gone('srv/.wh.id_rsa'), file('keep', 1), file('etc/id_rsa', 3)],
    ];
    const [result] = await evaluate({ forbid: ['.git', '*_rsa'] }, { layers });
    expect(result).toMatchObject({ status: 'failed', actual: 3, limit: 0 });
    expect(result!.message).toBe('3 paths match what is forbidden (.git, *_rsa)');
    expect(result!.findings).toEqual([
      {
        message: '/srv/.git: 2 entries, 15 B in layer 0; ".git" forbids it',
        layer: 0,
        path: 'srv/.git',
        bytes: 15,
      },
      {
        message: '/srv/id_rsa: 7 B in layer 0, hidden but shipped; "*_rsa" forbids it',
        layer: 0,
        path: 'srv/id_rsa',
        bytes: 7,
      },
      { message: '/etc/id_rsa: 3 B in layer 1; "*_rsa" forbids it', layer: 1, path: 'etc/id_rsa', bytes: 3 },
    ]);
  });

  test('a hard link that is still there is visible', async () => {
    const link: VectorEntry = { path: 'b.pem', type: 'hardlink', tarPath: 'b.pem', target: 'a' };
    const [result] = await evaluate({ forbid: ['*.pem'] }, { layers: [[file('a', 4), link]] });
    expect(result!.findings).toMatchObject([{ message: '/b.pem: 0 B in layer 0; "*.pem" forbids it' }]);
  });

  test('are none where nothing matches', async () => {
    const [result] = await evaluate({ forbid: ['x', '/y'] });
    expect(result).toMatchObject({ status: 'passed', message: '0 paths match what is forbidden (x, /y)' });
  });

  test('are found where links lead to, under either name', async () => {
    const link: VectorEntry = { path: 'lib', type: 'symlink', tarPath: 'lib', target: 'usr/lib' };
    const layers = [[file('usr/lib/a', 1), link], [file('lib/secret', 2)], [gone('lib/.wh.secret')]];
    for (const pattern of ['/usr/lib/secret', '/lib/secret', 'secret']) {
      const [result] = await evaluate({ forbid: [pattern] }, { layers });
      expect(result!.findings, pattern).toMatchObject([{ layer: 1, bytes: 2 }]);
      expect(result!.findings[0]!.message, pattern).toContain('hidden but shipped');
    }
    const [shown] = await evaluate({ forbid: ['/usr/lib/secret'] }, { layers: layers.slice(0, 2) });
    expect(shown!.findings).toMatchObject([
      { path: 'usr/lib/secret', message: '/usr/lib/secret: 2 B in layer 1; "/usr/lib/secret" forbids it' },
    ]);
  });
});

test('rules without a limit are not told of, the others come in their order', async () => {
  const limits = { forbid: ['x'], 'max-layers': 9, 'min-efficiency': 0.1, 'max-size': 1e9 };
  expect((await evaluate(limits)).map(({ rule }) => rule)).toEqual([
    'min-efficiency',
    'max-size',
    'max-layers',
    'forbid',
  ]);
  expect(await evaluate({})).toEqual([]);
});

describe('patterns', () => {
  test.each([
    ['id_rsa', 'root/.ssh/id_rsa', true],
    ['id_rsa', 'id_rsa', true],
    ['id_rsa', 'my_id_rsa', false],
    ['*.pem', 'a/b/c.pem', true],
    ['.git', 'srv/.git/objects/pack/x', true],
    ['.git/', 'srv/.git', true],
    ['/root/.ssh', 'root/.ssh/known_hosts', true],
    ['root/.ssh', 'x/root/.ssh', false],
    ['/app', 'srv/app', false],
    ['etc/*.key', 'etc/a.key', true],
    ['etc/*.key', 'etc/ssl/a.key', false],
    ['etc/**/*.key', 'etc/ssl/a.key', true],
    ['**/node_modules/**/*.md', 'a/node_modules/b/c/README.md', true],
    ['var/cache/**', 'var/cache/apt/x', true],
    ['var/cache/**', 'var/cache', false],
    ['[ab]c', 'x/bc', true],
    ['\\*', 'x/*', true],
    ['\\*', 'x/y', false],
  ])('%s and %s: %s', (pattern, path, matches) => {
    expect(patternProblem(pattern)).toBeUndefined();
    expect(pathMatcher([pattern])(path) !== undefined).toBe(matches);
  });

  test.each(['', '/', '[a', 'a\\', 'x'.repeat(2000)])('%j is none', (pattern) => {
    expect(patternProblem(pattern)).toBeDefined();
  });
});

describe('limits as they are written', () => {
  test.each<readonly [LimitedRule, string, unknown]>([
    ['min-efficiency', '0.95', { limit: 0.95 }],
    ['min-efficiency', '95%', { limit: 0.95 }],
    ['min-efficiency', '95 %', { limit: 0.95 }],
    ['min-efficiency', '95', { wanted: 'a share such as 0.9 or 90%' }],
    ['min-efficiency', '101%', { wanted: 'a share such as 0.9 or 90%' }],
    ['min-efficiency', '-1', { wanted: 'a share such as 0.9 or 90%' }],
    ['min-efficiency', 'off', { off: true }],
    ['max-hidden', 'Disabled', { off: true }],
    ['max-hidden', '20MB', { limit: 20_000_000 }],
    ['max-hidden', '1GiB', { limit: 1024 ** 3 }],
    ['max-hidden', '5%', { wanted: 'a size such as 20MB, 1.5GiB or 4096' }],
    ['max-hidden', '20XB', { wanted: 'a size such as 20MB, 1.5GiB or 4096' }],
    ['max-layers', '12', { limit: 12 }],
    ['max-layers', '1.5', { wanted: 'a whole number' }],
    ['max-growth', '10%', { limit: { unit: 'share', value: 0.1 } }],
    ['max-growth', '250%', { limit: { unit: 'share', value: 2.5 } }],
    ['max-growth', '1.5MB', { limit: { unit: 'bytes', value: 1_500_000 } }],
    ['max-growth', '0', { limit: { unit: 'bytes', value: 0 } }],
    ['max-growth', '0.05', { wanted: 'a size such as 20MB, or a share such as 5%' }],
  ])('%s: %s', (rule, text, read) => {
    expect(readLimit(rule, text)).toEqual(read);
  });
});
