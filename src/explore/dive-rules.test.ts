import { describe, expect, test } from 'vitest';
import { DIVE_LAYERS, DIVE_SAYS } from '../../test/support/dive-image.ts';
import { exploredLayers } from '../../test/support/explored.ts';
import { indexTar } from '../../test/support/layer-index.ts';
import { vectorTar } from '../../test/support/vector-tar.ts';
import { diveNumbers } from './dive-compat.ts';
import { diveJson } from './dive-json.ts';
import { DIVE_DEFAULTS, diveText, evaluateDive } from './dive-rules.ts';

const indexes = DIVE_LAYERS.map((entries) => indexTar(vectorTar(entries)));
const numbers = diveNumbers(indexes);

/** The statuses in dive's order: share, bytes, efficiency. */
function judge(lowestEfficiency: string, highestWastedBytes: string, highestUserWastedPercent: string) {
  return evaluateDive({ lowestEfficiency, highestWastedBytes, highestUserWastedPercent }, numbers);
}

describe('the numbers of an image like that of dive', () => {
  test('are those that dive asserts', () => {
    const { efficiency, userSizeBytes, wastedBytes, wastedUserPercent } = DIVE_SAYS;
    expect(numbers).toMatchObject({ efficiency, userSizeBytes, wastedBytes, wastedUserPercent });
  });

  test('and ours beside them', async () => {
    const { report } = await exploredLayers(DIVE_LAYERS);
    expect(report).toMatchObject({ visible: 1_188_573, hidden: 32_025, efficiency: 0.9737628604995257 });
  });
});

describe('thresholds', () => {
  test.each<readonly [readonly [string, string, string], readonly string[], boolean]>([
    [['0.99', '1B', '0.01'], ['failed', 'failed', 'failed'], false],
    [['0.9', '50kB', '0.5'], ['passed', 'passed', 'passed'], true],
    [['disabled', 'disabled', 'disabled'], ['skipped', 'skipped', 'skipped'], true],
    [['', 'off', 'false'], ['skipped', 'skipped', 'skipped'], true],
    [['0.9', '1B', '0.5'], ['passed', 'failed', 'passed'], false],
    [['0.9844212134184309', '32025B', '0.4834911001404049'], ['passed', 'passed', 'passed'], true],
    [['1', '32024', '0'], ['failed', 'failed', 'failed'], false],
  ])('%j', ([efficiency, bytes, share], [ofEfficiency, ofBytes, ofShare], passed) => {
    const { results, ...rest } = judge(efficiency, bytes, share);
    expect(results.map(({ status }) => status)).toEqual([ofShare, ofBytes, ofEfficiency]);
    expect(rest).toEqual({ passed, misconfigured: false });
  });

  test.each<readonly [readonly [string, string, string], string]>([
    [['1.1', '1B', '0.1'], "lowestEfficiency config value is outside allowed range (0-1), given '1.1'"],
    [['-0.1', '1B', '0.1'], "lowestEfficiency config value is outside allowed range (0-1), given '-0.1'"],
    [
      ['not_a_number', '1B', '0.1'],
      `invalid config value ('not_a_number'): strconv.ParseFloat: parsing "not_a_number": invalid syntax`,
    ],
    [
      ['0.9', 'not_a_size', '0.1'],
      `invalid config value ('not_a_size'): strconv.ParseFloat: parsing "": invalid syntax`,
    ],
    [
      ['0.9', '1B', 'inf'],
      "highestUserWastedPercent config value is outside allowed range (0-1), given 'inf'",
    ],
  ])('%j is a wrong configuration, which passes nothing', ([efficiency, bytes, share], message) => {
    const { results, ...rest } = judge(efficiency, bytes, share);
    expect(rest).toEqual({ passed: false, misconfigured: true });
    expect(results.find(({ status }) => status === 'misconfigured')).toMatchObject({ message });
  });
});

describe('where all bytes are in the first layer', () => {
  const file = { path: 'a', type: 'file', content: 'aaaa', tarPath: 'a' } as const;
  const removed = { path: '', type: 'whiteout', tarPath: '.wh.a' } as const;
  const numbersOf = (...layers: readonly (readonly (typeof file | typeof removed)[])[]) =>
    diveNumbers(layers.map((entries) => indexTar(vectorTar(entries))));

  test('and none is wasted, the rule passes and nothing says NaN', () => {
    const one = numbersOf([file]);
    const evaluation = evaluateDive(DIVE_DEFAULTS, one);
    expect(evaluation.passed).toBe(true);
    expect(diveText(evaluation, one, String)).not.toMatch(/NaN|Inf/);
  });

  test('and some are wasted, the rule fails, as in dive', () => {
    const evaluation = evaluateDive(DIVE_DEFAULTS, numbersOf([file], [removed]));
    expect(evaluation.results[0]).toMatchObject({ rule: 'highestUserWastedPercent', status: 'failed' });
  });
});

test('the text is that of dive 0.13.1', () => {
  expect(diveText(judge('0.9', '1B', '0.1'), numbers, String)).toBe(`  efficiency: 98.4421 %
  wastedBytes: 32025 bytes (32 kB)
  userWastedPercent: 48.3491 %
Inefficient Files:
Count  Wasted Space  File Path
    2         13 kB  /root/saved.txt
    2         13 kB  /root/example/somefile1.txt
    2        6.4 kB  /root/example/somefile3.txt
Results:
  FAIL: highestUserWastedPercent: too many bytes wasted, relative to the user bytes added (%-user-wasted-bytes=0.4834911001404049 > threshold=0.1)
  FAIL: highestWastedBytes: too many bytes wasted (wasted-bytes=32025 > threshold=1)
  PASS: lowestEfficiency
Result:FAIL [Total:3] [Passed:1] [Failed:2] [Warn:0] [Skipped:0]
`);
  expect(diveText(judge('1.1', 'disabled', '0.1'), numbers, String)).toBe(`  efficiency: 98.4421 %
  wastedBytes: 32025 bytes (32 kB)
  userWastedPercent: 48.3491 %
Inefficient Files:
Count  Wasted Space  File Path
None
Results:
  CONFIGURED   : highestUserWastedPercent: test
  CONFIGURED   : highestWastedBytes: rule disabled
  MISCONFIGURED: lowestEfficiency: lowestEfficiency config value is outside allowed range (0-1), given '1.1'
CI Misconfigured
`);
});

describe("dive's JSON", () => {
  test('has the image, and the paths that stand in it more than once', async () => {
    const { report } = await exploredLayers(DIVE_LAYERS);
    expect(diveJson(report, indexes).image).toEqual({
      sizeBytes: DIVE_SAYS.sizeBytes,
      inefficientBytes: DIVE_SAYS.wastedBytes,
      efficiencyScore: DIVE_SAYS.efficiency,
      fileReference: DIVE_SAYS.files,
    });
  });

  test('has what is in each layer: children first, markers by name, folders without an entry empty', async () => {
    const device = { major: 1, minor: 3 };
    const layers = [
      [
        { path: 'd', type: 'dir', tarPath: 'd', mode: 0o1777 },
        { path: 'd/s', type: 'file', tarPath: 'd/s', content: 'ab', mode: 0o6755, uid: 7, gid: 8 },
        { path: 'd/l', type: 'symlink', tarPath: 'd/l', target: '../x', mode: 0o777 },
        { path: 'h', type: 'hardlink', tarPath: 'h', target: 'd/s' },
        { path: 'c', type: 'char', tarPath: 'c', device },
        { path: 'b', type: 'block', tarPath: 'b', device },
        { path: 'p', type: 'fifo', tarPath: 'p' },
      ],
      [
        { path: '', type: 'whiteout', tarPath: 'd/.wh.l' },
        { path: '', type: 'opaque', tarPath: 'e/.wh..wh..opq' },
      ],
    ] as const;
    const { report } = await exploredLayers(layers);
    const json = diveJson(
      report,
      layers.map((entries) => indexTar(vectorTar(entries))),
      ['one'],
    );
    const row = (path: string, typeFlag: number, fileMode: number, more: object = {}) => ({
      path,
      typeFlag,
      linkName: '',
      size: 0,
      fileMode,
      uid: 0,
      gid: 0,
      isDir: false,
      ...more,
    });
    expect(json.layer).toMatchObject([
      { index: 0, id: 'one', digestId: report.layers[0]!.diffId, sizeBytes: 2, command: '' },
      { index: 1, id: 'blobs', sizeBytes: 0 },
    ]);
    expect(json.layer.map(({ fileList }) => fileList)).toEqual([
      [
        row('b', 52, 2 ** 26 + 0o644),
        row('c', 51, 2 ** 26 + 2 ** 21 + 0o644),
        row('d/l', 50, 2 ** 27 + 0o777, { linkName: '../x' }),
        row('d/s', 48, 2 ** 23 + 2 ** 22 + 0o755, { size: 2, uid: 7, gid: 8 }),
        row('d', 53, 2 ** 31 + 2 ** 20 + 0o777, { isDir: true }),
        row('h', 49, 0o644, { linkName: 'd/s' }),
        row('p', 54, 2 ** 25 + 0o644),
      ],
      [row('d/.wh.l', 48, 0o644), row('', 0, 0), row('', 0, 0)],
    ]);
  });
});
