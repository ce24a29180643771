import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CiReport } from '../../src/app/explore-ci.ts';
import type { DiveJson } from '../../src/explore/dive-json.ts';
import type { Exploration } from '../../src/explore/types.ts';
import { createSandbox, type Ran, type Sandbox } from '../support/built-command.ts';
import { DIVE_LAYERS, DIVE_SAYS } from '../support/dive-image.ts';
import { dockerArchive, layerId } from '../support/docker-archive.ts';
import { closedSchema, schemaProblems } from '../support/json-schema.ts';
import { parseXml } from '../support/parse-xml.ts';
import { type VectorEntry, vectorTar } from '../support/vector-tar.ts';

interface Vector {
  readonly name: string;
  readonly layers: readonly (readonly VectorEntry[])[];
  readonly expect: {
    readonly totalFileBytes: number;
    readonly layerFileBytes: readonly number[];
    readonly hiddenBytes: number;
    readonly reclaimableByLayer: readonly number[];
    readonly hiddenFiles: readonly {
      readonly layer: number;
      readonly path: string;
      readonly bytes: number;
    }[];
    readonly spaceEfficiency: number;
    readonly diveCompat: { readonly efficiency: number; readonly wastedBytes: number };
  };
}

const vectors: readonly Vector[] = JSON.parse(readFileSync('test/fixtures/layer-vectors.json', 'utf8'));
const schemaOf = (name: string) => closedSchema(JSON.parse(readFileSync(`schema/${name}.json`, 'utf8')));
const schema = schemaOf('explore-ci-1');
const exploreSchema = schemaOf('explore-1');

let sandbox: Sandbox;
/** Where commands run; empty before each test but for a `.git`, above which no settings are looked for. */
let work: string;
beforeAll(() => {
  sandbox = createSandbox();
  work = join(sandbox.folder, 'work');
  writeFileSync(archive('dive'), dockerArchive(DIVE_LAYERS.map((entries) => vectorTar(entries))));
});
afterAll(() => sandbox.remove());
beforeEach(() => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, '.git'), { recursive: true });
});

const archive = (name: string): string => join(sandbox.folder, `${name}.tar`);
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  sandbox.run(['explore', ...args], { cwd: work, env });
function write(name: string, text: string): void {
  mkdirSync(dirname(join(work, name)), { recursive: true });
  writeFileSync(join(work, name), text);
}

describe('what is wrong ends with 2, before any image is looked at', () => {
  test.each<readonly [string, readonly string[], string]>([
    ['a rule without --ci', ['--max-hidden', '1MB', 'x'], '--max-hidden says something about rules'],
    ['a format without --ci', ['--format', 'json', 'x'], '--format says something about rules'],
    ['a limit that is none', ['--ci', '--max-hidden', 'lots', 'x'], '--max-hidden is "lots", want a size'],
    ['a pattern that is none', ['--ci', '--forbid', '[', 'x'], '--forbid is "[", want a pattern'],
    ['a format that is none', ['--ci', '--format', 'xml', 'x'], 'xml'],
    ['a tool that is none', ['--ci', '--compat', 'docker', 'x'], 'docker'],
    ['growth from nothing', ['--ci', '--max-growth', '5%', 'x'], '--max-growth needs --against'],
    ['an image to compare for nothing', ['--ci', '--against', 'y', 'x'], '--against is for --max-growth'],
    [
      "a threshold of dive's that is none",
      ['--ci', '--lowestEfficiency', '7', 'x'],
      '--lowestEfficiency wants a share',
    ],
    [
      'a file of rules that is not there',
      ['--ci', '--ci-config', 'none', 'x'],
      'none: there is no such file',
    ],
    [
      'a rule of ours for dive',
      ['--compat', 'dive', '--ci', '--max-size', '1', 'x'],
      '--max-size is nothing that dive has',
    ],
    ['a format for dive', ['--compat', 'dive', '--format', 'json', 'x'], '--format is nothing that dive has'],
    ['no image', ['--ci'], 'needs exactly 1 argument'],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('a key that is not known is told of with its place and the one that was meant', async () => {
    write('dobos.yaml', 'explore:\n  rules:\n    max-hiden: 20MB\n');
    const { code, stderr } = await run(['--ci', 'x']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `dobos: dobos.yaml: explore.rules has no setting "max-hiden"
dobos.yaml:3:5
3 |     max-hiden: 20MB
        ^
hint: did you mean "max-hidden"?
`,
    });
  });

  test('YAML that is none is told of with its place', async () => {
    write('dobos.yaml', 'explore:\n  rules: [\n');
    const { code, stderr } = await run(['--ci', 'x']);
    expect(code).toBe(2);
    expect(stderr).toContain('dobos.yaml, line 2, column 10: a "[" that is not closed');
  });

  test('an image that is not there is no broken rule, but no success either', async () => {
    const { code, stdout, stderr } = await run(['--ci', 'nobody/knows:1']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('nobody/knows');
  });
});

describe('rules', () => {
  test('are kept or broken, told one a line, and in the exit code', async () => {
    const kept = await run(['--ci', '--max-hidden', '32025', '--max-layers', '14', archive('dive')]);
    expect(kept.code, kept.stderr).toBe(0);
    expect(kept.stdout).toContain('\nall 2 rules are kept\n');
    const broken = await run(['--ci', '--max-hidden', '32024', '--max-layers', '14', archive('dive')]);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toContain(
      'FAIL  max-hidden        32.0 kB are shipped but not visible, at most 32.0 kB may be',
    );
    expect(broken.stdout).toContain('pass  max-layers        14 layers, at most 14 may be');
    expect(broken.stdout).toContain(
      '/root/saved.txt: 6.4 kB; layer 7 stores it, layer 13 stores the same bytes again',
    );
    expect(broken.stdout).toContain('\n1 of 2 rules is broken\n');
  });

  test('of the default hold where nobody has others', async () => {
    const { code, stdout } = await run(['--ci', archive('dive')]);
    expect(code).toBe(0);
    expect(stdout).toContain('the default rule');
    expect(stdout).toContain(
      'pass  min-efficiency    97.37 % of what is shipped is visible, at least 90 % must be',
    );
  });

  test('come from the command line, then dobos.yaml, then the user’s settings', async () => {
    write(
      'dobos.yaml',
      'explore:\n  rules:\n    max-hidden: 1kB\n    max-layers: 20\n    forbid: ["*.sh"]\n',
    );
    const config = join(sandbox.folder, 'config');
    mkdirSync(join(config, 'dobos'), { recursive: true });
    writeFileSync(join(config, 'dobos/config.yaml'), 'explore: {rules: {max-layers: 2, max-size: 1kB}}');
    const args = ['--ci', '--max-hidden', '1MB', '--format', 'json', archive('dive')];
    const { code, stdout } = await run(args, { XDG_CONFIG_HOME: config });
    expect(code).toBe(1);
    const report: CiReport = JSON.parse(stdout);
    expect(report.rules.map(({ rule, status, limit }) => [rule, status, limit])).toEqual([
      ['max-hidden', 'passed', 1_000_000],
      ['max-size', 'failed', 1000],
      ['max-layers', 'passed', 20],
      ['forbid', 'failed', 0],
    ]);
    expect(report.rulesFrom).toEqual(['the command line', 'dobos.yaml', join(config, 'dobos/config.yaml')]);
    expect(report.rules[3]!.findings.map(({ path }) => path)).toEqual([
      'root/.data/tag.sh',
      'root/.data/test.sh',
    ]);
  });

  test('may be switched off from the command line', async () => {
    write('package.json', '{"dobos": {"explore": {"rules": {"max-layers": 1}}}}');
    expect((await run(['--ci', archive('dive')])).code).toBe(1);
    const { code, stdout } = await run(['--ci', '--max-layers', 'off', archive('dive')]);
    expect(code).toBe(0);
    expect(stdout).toContain('no rule was looked at');
  });

  test('measure growth from another image', async () => {
    writeFileSync(archive('small'), dockerArchive([vectorTar(DIVE_LAYERS[0]!)]));
    const args = ['--ci', '--against', archive('small')];
    expect((await run([...args, '--max-growth', '6%', archive('dive')])).code).toBe(0);
    const { code, stdout } = await run([...args, '--max-growth', '5%', archive('dive')]);
    expect(code).toBe(1);
    expect(stdout).toContain(`66.2 kB larger (+5.73 %) than ${archive('small')}, at most 5 % may be`);
    expect(stdout).toContain('/somefile.txt: 6.4 kB in layer 1, is new');
  });
});

describe('an image that was built here', () => {
  beforeEach(async () => {
    write(
      'ctx/Dockerfile',
      'FROM scratch\nCOPY one /data/one\nLABEL a=b\nCOPY two /data/one\nCOPY key.pem /\n',
    );
    write('ctx/one', '1'.repeat(5000));
    write('ctx/two', '2'.repeat(3000));
    write('ctx/key.pem', 'secret');
    const built = await sandbox.run(['build', '-q', '-t', 'app', 'ctx'], { cwd: work });
    expect(built.code, built.stderr).toBe(0);
  });

  test('is told of with the lines of its Dockerfile', async () => {
    const args = ['--ci', '--max-hidden', '0', '--forbid', '*.pem', 'app'];
    const { code, stdout } = await run(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/layer 0: COPY one \/data\/one {2}\(ctx\/Dockerfile:2\)/);
    expect(stdout).toMatch(/layer 1: COPY two \/data\/one {2}\(ctx\/Dockerfile:4\)/);
    const github = await run([...args, '--format', 'github']);
    expect(github.code).toBe(1);
    expect(github.stdout.split('\n')).toEqual([
      '::error file=ctx/Dockerfile,line=2,title=dobos max-hidden::app: 5.0 kB are shipped but not visible, at most 0 B may be%0A/data/one: 5.0 kB; layer 0 stores it, layer 1 replaces it',
      '::error file=ctx/Dockerfile,line=5,title=dobos forbid::app: 1 path matches what is forbidden (*.pem)%0A/key.pem: 6 B in layer 2; "*.pem" forbids it',
      '::notice title=dobos explore::app: 2 of 2 rules are broken',
      '',
    ]);
    const sarif = JSON.parse((await run([...args, '--format', 'sarif'])).stdout);
    const places = sarif.runs[0].results.map(
      (result: { locations: [{ physicalLocation: object }] }) => result.locations[0].physicalLocation,
    );
    const at = (line: number) => ({
      artifactLocation: { uri: 'ctx/Dockerfile' },
      region: { startLine: line },
    });
    expect(places.slice(1)).toEqual([
      at(2),
      { artifactLocation: { uri: 'app' }, region: { startLine: 1 } },
      at(5),
    ]);
  });

  test('is told of in a file, and in words beside it', async () => {
    const args = ['--ci', '--max-hidden', '0', '-o', 'out', 'app'];
    const read = async (format: string): Promise<string> => {
      const { code, stdout } = await run([...args, '--format', format]);
      expect(code).toBe(1);
      expect(stdout).toContain('the rule is broken');
      return readFileSync(join(work, 'out'), 'utf8');
    };
    expect(schemaProblems(schema, JSON.parse(await read('json')))).toEqual([]);
    expect(parseXml(await read('junit'))).toMatchObject({ tag: 'testsuites', attributes: { failures: '1' } });
    expect(await read('markdown')).toContain('| max-hidden | **FAIL** |');
    expect(await read('text')).toContain('FAIL  max-hidden');
  });

  test('keeps JSON and rules apart', async () => {
    const { code, stdout } = await run(['--ci', '--max-hidden', '0', '--json', '-', 'app']);
    expect(code).toBe(1);
    const report: Exploration = JSON.parse(stdout);
    expect(report).toMatchObject({ hidden: 5000, dockerfile: { from: 'record' } });
    expect(schemaProblems(exploreSchema, report)).toEqual([]);
  });
});

test('the JSON of every kind of report keeps its schema', async () => {
  const args = ['--ci', '--format', 'json', '--forbid', '*.sh', '--max-size', '1', '--max-layers', '0'];
  const growth = ['--max-growth', '0', '--against', archive('dive')];
  for (const more of [[], ['--max-hidden', '0', '--max-hidden-share', '0'], growth]) {
    const { stdout, stderr } = await run([...args, ...more, archive('dive')]);
    expect(schemaProblems(schema, JSON.parse(stdout)), stderr).toEqual([]);
  }
});

describe("dive's users", () => {
  test('get its text and exit code', async () => {
    const { code, stdout } = await run(['--compat', 'dive', archive('dive')], { CI: 'true' });
    expect(code).toBe(1);
    expect(stdout).toBe(`  Using default CI config
Analyzing image...
  efficiency: 98.4421 %
  wastedBytes: 32025 bytes (32 kB)
  userWastedPercent: 48.3491 %
Inefficient Files:
Count  Wasted Space  File Path
    2         13 kB  /root/saved.txt
    2         13 kB  /root/example/somefile1.txt
    2        6.4 kB  /root/example/somefile3.txt
Results:
  FAIL: highestUserWastedPercent: too many bytes wasted, relative to the user bytes added (%-user-wasted-bytes=0.4834911001404049 > threshold=0.1)
  SKIP: highestWastedBytes: rule disabled
  PASS: lowestEfficiency
Result:FAIL [Total:3] [Passed:1] [Failed:1] [Warn:0] [Skipped:1]
`);
  });

  test('keep their .dive-ci', async () => {
    write(
      '.dive-ci',
      'rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 20Mb\n  highestUserWastedPercent: 0.5\n  plugin: x\n',
    );
    const { code, stdout } = await run(['--ci', '--compat', 'dive', archive('dive')]);
    expect({ code, first: stdout.split('\n')[0] }).toEqual({ code: 0, first: '  Using CI config: .dive-ci' });
    // The same file over what is true: without --compat.
    const own = await run(['--ci', '--format', 'json', archive('dive')]);
    const report: CiReport = JSON.parse(own.stdout);
    expect(report.rulesFrom).toEqual(['.dive-ci']);
    expect(report.rules.map(({ rule, actual, status }) => [rule, actual, status])).toEqual([
      ['min-efficiency', 0.9737628604995257, 'passed'],
      ['max-hidden', 32_025, 'passed'],
      ['max-hidden-share', 32_025 / 1_220_598, 'passed'],
    ]);
    write('dobos.yaml', 'explore: {rules: {max-layers: 3}}');
    const ours = await run(['--ci', archive('dive')]);
    expect(ours.stdout).toContain('rules of dobos.yaml');
    expect(ours.code).toBe(1);
  });

  test.each<readonly [readonly [string, string, string], number, string]>([
    [['0.99', '1B', '0.01'], 1, 'Result:FAIL [Total:3] [Passed:0] [Failed:3] [Warn:0] [Skipped:0]'],
    [['0.9', '50kB', '0.5'], 0, 'Result:PASS [Total:3] [Passed:3] [Failed:0] [Warn:0] [Skipped:0]'],
    [
      ['disabled', 'disabled', 'disabled'],
      0,
      'Result:PASS [Total:3] [Passed:0] [Failed:0] [Warn:0] [Skipped:3]',
    ],
    [['0.9', '1B', '0.5'], 1, 'Result:FAIL [Total:3] [Passed:2] [Failed:1] [Warn:0] [Skipped:0]'],
    [['1.1', '1B', '0.5'], 1, 'CI Misconfigured'],
    [['-0.1', '1B', '0.5'], 1, 'CI Misconfigured'],
    [['not_a_number', '1B', '0.5'], 1, 'CI Misconfigured'],
    [['0.9', 'not_a_size', '0.5'], 1, 'CI Misconfigured'],
  ])('give thresholds %j on the command line', async ([efficiency, bytes, share], code, last) => {
    const flags = [
      `--lowestEfficiency=${efficiency}`,
      `--highestWastedBytes=${bytes}`,
      `--highestUserWastedPercent=${share}`,
    ];
    const ran = await run(['--ci', '--compat', 'dive', ...flags, archive('dive')]);
    expect({ code: ran.code, last: ran.stdout.trimEnd().split('\n').at(-1) }).toEqual({ code, last });
  });

  test('get its JSON, in a file, with no rule looked at', async () => {
    const { code, stderr } = await run(['--ci', '--compat', 'dive', '-j', 'out.json', archive('dive')]);
    expect(code).toBe(0);
    expect(stderr).toContain('looks at no rules');
    const json: DiveJson = JSON.parse(readFileSync(join(work, 'out.json'), 'utf8'));
    expect(json.image).toEqual({
      sizeBytes: DIVE_SAYS.sizeBytes,
      inefficientBytes: DIVE_SAYS.wastedBytes,
      efficiencyScore: DIVE_SAYS.efficiency,
      fileReference: DIVE_SAYS.files,
    });
    expect(json.layer.map(({ index, id, command }) => [index, id, command])).toEqual(
      DIVE_LAYERS.map((_, number) => [number, layerId(number), `layer ${number}`]),
    );
  });

  test('see no NaN of an image with one layer', async () => {
    writeFileSync(archive('one'), dockerArchive([vectorTar(DIVE_LAYERS[0]!)]));
    const { code, stdout } = await run(['--ci', '--compat', 'dive', archive('one')]);
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/NaN|Inf/);
  });

  test('who say nothing of rules get a report, as everybody: CI alone asks for none', async () => {
    const { code, stdout } = await run(['--summary', archive('dive')], { CI: 'true' });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${archive('dive')}: 97.3 % of what is shipped is visible; 32.0 kB in 5 layers can go\n`,
    });
  });
});

describe('all golden vectors through the command', () => {
  test('there are 39', () => {
    expect(vectors).toHaveLength(39);
  });

  test.each(vectors)('$name', async ({ layers, expect: want }) => {
    const path = archive('vector');
    writeFileSync(path, dockerArchive(layers.map((entries) => vectorTar(entries))));
    const byPlace = (a: { layer: number; path: string }, b: { layer: number; path: string }) =>
      a.layer - b.layer || (a.path < b.path ? -1 : 1);

    const most = Math.max(0, want.hiddenBytes - 1);
    const explored = await run(['--ci', '--max-hidden', String(most), '--json', '-', path]);
    expect(explored.code, explored.stderr).toBe(want.hiddenBytes > 0 ? 1 : 0);
    const report: Exploration = JSON.parse(explored.stdout);
    expect(schemaProblems(exploreSchema, report)).toEqual([]);
    expect(report).toMatchObject({ total: want.totalFileBytes, hidden: want.hiddenBytes });
    expect(report.efficiency).toBeCloseTo(want.spaceEfficiency, 15);
    expect(report.layers.map(({ fileBytes }) => fileBytes)).toEqual(want.layerFileBytes);
    expect(report.layers.map(({ hiddenBytes }) => hiddenBytes)).toEqual(want.reclaimableByLayer);
    const hidden = report.hiddenFiles.map(({ layer, path: name, bytes }) => ({ layer, path: name, bytes }));
    expect(hidden.sort(byPlace)).toEqual([...want.hiddenFiles].sort(byPlace));

    const dive: DiveJson = JSON.parse((await run(['--compat', 'dive', '--json', '-', path])).stdout);
    expect(dive.image).toMatchObject({
      sizeBytes: want.totalFileBytes,
      inefficientBytes: want.diveCompat.wastedBytes,
      efficiencyScore: want.diveCompat.efficiency,
    });
  });
});
