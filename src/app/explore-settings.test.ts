import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Schema, schemaProblems } from '../../test/support/json-schema.ts';
import { chooseRules, diveSettings, exploreSettings, rulesOfDive } from './explore-settings.ts';
import { settingsFiles } from './project-settings.ts';
import type { Settings } from './settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-settings-'));
  // Nothing above the test's own folder counts.
  mkdirSync(join(folder, '.git'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const surroundings = (): Settings => ({ environment: {}, home: join(folder, 'home') }) as unknown as Settings;
const read = (from = folder) => settingsFiles(from, surroundings()).map(exploreSettings);
const readYaml = (text: string) => {
  write('dobos.yaml', text);
  return read();
};

function refused(text: string): { message: string; hint: string | undefined; place: unknown } {
  try {
    readYaml(text);
  } catch (error) {
    const { message, hint, place } = error as { message: string; hint: string | undefined; place: unknown };
    return { message, hint, place };
  }
  throw new Error('read');
}

describe('settings that are refused', () => {
  test.each([
    ['explor: 1', 'dobos.yaml: the file has no setting "explor"', 'did you mean "explore"?'],
    ['explore:\n  rule:\n', 'dobos.yaml: explore has no setting "rule"', 'did you mean "rules"?'],
    [
      'explore:\n  rules:\n    max-hiden: 1MB',
      'dobos.yaml: explore.rules has no setting "max-hiden"',
      'did you mean "max-hidden"?',
    ],
    [
      'explore:\n  rules:\n    colour: 0.9',
      'dobos.yaml: explore.rules has no setting "colour"',
      'there is min-efficiency, max-hidden, max-hidden-share, max-size, max-layers, max-growth, forbid',
    ],
    ['explore: 3', 'dobos.yaml: explore is "3", want a map of names to values', undefined],
    ['explore: [a]', 'dobos.yaml: explore is a list, want a map of names to values', undefined],
    [
      'explore: {rules: {max-hidden: lots}}',
      'dobos.yaml: explore.rules.max-hidden is "lots", want a size such as 20MB, 1.5GiB or 4096',
      undefined,
    ],
    [
      'explore: {rules: {max-hidden: [1]}}',
      'dobos.yaml: explore.rules.max-hidden is a list, want one value',
      undefined,
    ],
    [
      'explore: {rules: {forbid: [ok, "[a"]}}',
      'dobos.yaml: explore.rules.forbid is "[a", want a pattern whose [ and \\ are complete',
      undefined,
    ],
    [
      'explore: {ignore: {a: b}}',
      'dobos.yaml: explore.ignore is a map, want a list of patterns such as "*.pem"',
      undefined,
    ],
    ['explore: {own-layers: yes}', 'dobos.yaml: explore.own-layers is "yes", want true or false', undefined],
    [
      'explore: {against: [a]}',
      'dobos.yaml: explore.against is a list, want the name of an image',
      undefined,
    ],
    [
      'explore:\n\trules: 1',
      'dobos.yaml, line 2, column 1: a tab indents this line',
      'YAML is indented with spaces',
    ],
  ])('%j', (text, message, hint) => {
    expect(refused(text)).toMatchObject({ message, hint });
  });

  test('are shown where they stand', () => {
    expect(refused('explore:\n  rules:\n    max-hiden: 1MB').place).toEqual({
      file: 'dobos.yaml:3:5',
      snippet: '3 |     max-hiden: 1MB\n        ^',
    });
  });

  test('dobos.yml is told of, not passed over', () => {
    write('dobos.yml', '');
    expect(() => read()).toThrow('dobos.yml is not read: settings are in dobos.yaml');
  });

  test('a folder in the place of the file is told of', () => {
    mkdirSync(join(folder, 'dobos.yaml'));
    expect(() => read()).toThrow('cannot read the settings in dobos.yaml: it is a folder');
  });

  test('a file that is too large is not read', () => {
    write('dobos.yaml', ' '.repeat(1024 * 1024 + 1));
    expect(() => read()).toThrow('1048577 bytes are more than 1048576');
  });
});

const ALL = `
explore:
  rules:
    min-efficiency: 95%
    max-hidden: 20MB
    max-hidden-share: 0.1
    max-size: off
    max-layers: 30
    max-growth: 5%
    forbid:
      - .git
      - "*.pem"
  ignore: var/cache/**
  against: app:main
  own-layers: true
`;

describe('settings that are read', () => {
  test('hold all that there is', () => {
    expect(readYaml(ALL)).toEqual([
      {
        from: 'dobos.yaml',
        limits: {
          'min-efficiency': 0.95,
          'max-hidden': 20_000_000,
          'max-hidden-share': 0.1,
          'max-size': 'off',
          'max-layers': 30,
          'max-growth': { unit: 'share', value: 0.05 },
        },
        forbid: ['.git', '*.pem'],
        ignore: ['var/cache/**'],
        against: 'app:main',
        ownLayers: true,
      },
    ]);
  });

  test('stand in package.json too, whatever else does', () => {
    write('package.json', '{\n\t"name": "x",\n\t"dobos": { "explore": { "rules": { "max-layers": 3 } } }\n}');
    expect(read()).toMatchObject([{ from: 'package.json', limits: { 'max-layers': 3 } }]);
    write('package.json', '{ "dobos": { "explore": { "rules": { "max-layer": 3 } } } }');
    expect(() => read()).toThrow('package.json: explore.rules has no setting "max-layer"');
    write('package.json', '{ broken');
    expect(read()).toEqual([]);
    write('package.json', '{"dependencies": {"dobos": "1"}}');
    expect(read()).toEqual([]);
  });

  test('are those of the nearest folder, up to the one of the repository, and then the user’s', () => {
    write('home/.config/dobos/config.yaml', 'explore: {rules: {max-layers: 7, max-size: 1GB}}');
    const inner = join(folder, 'a/b');
    mkdirSync(inner, { recursive: true });
    expect(read(inner).map(({ from }) => from)).toEqual([join(folder, 'home/.config/dobos/config.yaml')]);
    write('dobos.yaml', 'explore: {rules: {max-layers: 8}}');
    expect(read(inner).map(({ from }) => from)).toEqual([
      '../../dobos.yaml',
      join(folder, 'home/.config/dobos/config.yaml'),
    ]);
    write('a/dobos.yaml', 'explore: {rules: {max-layers: off}}');
    const rules = chooseRules(read(inner));
    expect(rules.limits).toEqual({ 'max-size': 1e9 });
    mkdirSync(join(inner, '.git'));
    expect(read(inner)).toHaveLength(1);
  });

  test('add up where they are lists', () => {
    write('home/.config/dobos/config.yaml', 'explore: {rules: {forbid: [b, c]}, ignore: [x]}');
    write('dobos.yaml', 'explore: {rules: {forbid: [a, b]}, ignore: [y]}');
    expect(chooseRules(read())).toMatchObject({ limits: { forbid: ['a', 'b', 'c'] }, ignore: ['y', 'x'] });
  });

  test('of nothing are none', () => {
    expect(chooseRules(readYaml('# nothing\n'))).toEqual({
      limits: {},
      ignore: [],
      ownLayers: false,
      against: undefined,
      from: [],
    });
    expect(readYaml('explore:\n  rules:\n  ignore:\n  against:\n  own-layers: ~\n')).toMatchObject([
      { limits: {} },
    ]);
  });
});

describe('a .dive-ci', () => {
  test('has three rules, in any case; others are somebody’s plugins', () => {
    const path = write(
      '.dive-ci',
      'rules:\n  # a comment\n  lowestEfficiency: 0.95\n\n  highestWastedBytes: 20Mb\n  HIGHESTuserWASTEDpercent: 0.5\n  some-plugin: {a: 1}\nplugins:\n  - x\n',
    );
    const { thresholds, fail } = diveSettings(path);
    expect(thresholds).toEqual({
      lowestEfficiency: '0.95',
      highestWastedBytes: '20Mb',
      highestUserWastedPercent: '0.5',
    });
    expect(rulesOfDive('.dive-ci', thresholds, fail).limits).toEqual({
      'min-efficiency': 0.95,
      'max-hidden': 20_000_000,
      'max-hidden-share': 0.5,
    });
  });

  test('may switch rules off, or say nothing', () => {
    const off = diveSettings(write('a', 'rules:\n  lowestEfficiency: disabled\n  highestWastedBytes:\n'));
    expect(off.thresholds).toEqual({ lowestEfficiency: 'disabled' });
    expect(rulesOfDive('a', off.thresholds, off.fail).limits).toEqual({ 'min-efficiency': 'off' });
    for (const text of ['', 'rules:\n', 'rules: {}'])
      expect(diveSettings(write('b', text)).thresholds).toEqual({});
  });

  test.each([
    ['- a', 'the file is a list, want a map with the key "rules"'],
    ['rules: 3', 'rules is "3", want a map of rules to thresholds'],
    ['rules: {lowestEfficiency: [1]}', 'rules.lowestEfficiency is a list, want one value'],
  ])('%j is none', (text, message) => {
    expect(() => diveSettings(write('c', text))).toThrow(message);
  });

  test('with a threshold that is none says where it stands', () => {
    const { thresholds, fail } = diveSettings(write('d', 'rules:\n  lowestEfficiency: lots\n'));
    expect(() => rulesOfDive('d', thresholds, fail)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('rules.lowestEfficiency is "lots", want a share such as 0.9 or 90%'),
        place: {
          file: `${join(folder, 'd')}:2:21`,
          snippet: expect.stringContaining('lowestEfficiency: lots'),
        },
      }),
    );
  });

  test('that was named and is not there is an error', () => {
    expect(() => diveSettings(join(folder, 'none'))).toThrow('there is no such file');
  });
});

describe('schema/dobos-settings-1.json', () => {
  const schema: Schema = JSON.parse(readFileSync('schema/dobos-settings-1.json', 'utf8'));
  const rules = (value: object): object => ({ explore: { rules: value } });

  test.each<readonly [object, boolean]>([
    [{}, true],
    [rules({ 'min-efficiency': 0.9, 'max-hidden': '20MB', 'max-growth': '5%', forbid: ['a'] }), true],
    [rules({ 'min-efficiency': '95%', 'max-hidden': false, 'max-layers': 3, 'max-size': 4096 }), true],
    [{ explore: { ignore: ['a'], against: 'app:1', 'own-layers': true } }, true],
    [rules({ 'max-hiden': 1 }), false],
    [rules({ 'min-efficiency': 2 }), false],
    [rules({ 'max-layers': 1.5 }), false],
    [rules({ 'max-hidden': 'lots' }), false],
    [{ explore: { 'own-layers': 'yes' } }, false],
    [{ other: 1 }, false],
  ])('%j: %s, and so says the reader', (value, valid) => {
    expect(schemaProblems(schema, value).length === 0).toBe(valid);
    const reading = (): unknown => readYaml(JSON.stringify(value));
    if (valid) expect(reading).not.toThrow();
    else expect(reading).toThrow();
  });
});
