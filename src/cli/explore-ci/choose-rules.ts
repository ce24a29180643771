import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChosenRules,
  chooseRules,
  diveSettings,
  exploreSettings,
  type RuleSource,
  rulesOfDive,
  speaks,
} from '../../app/explore-settings.ts';
import { settingsFiles } from '../../app/project-settings.ts';
import type { Settings } from '../../app/settings.ts';
import { DIVE_DEFAULTS, DIVE_RULES, type DiveThresholds } from '../../explore/dive-rules.ts';
import { patternProblem } from '../../explore/rules/path-patterns.ts';
import { type LimitedRule, readLimit } from '../../explore/rules/read-limit.ts';
import { type Growth, RULE_IDS } from '../../explore/rules/types.ts';
import { cliError } from '../errors.ts';
import { listOption, type OptionValues, textOption } from '../spec.ts';
import { camelCase } from './options.ts';

const DIVE_FILE = '.dive-ci';

/** The rules of the command line, then those of dive's file, then those of the project's and the user's settings. @throws CLI_USAGE, PROJECT_ errors, YAML_SYNTAX */
export function chosenRules(options: OptionValues, folder: string, settings: Settings): ChosenRules {
  const files = settingsFiles(folder, settings).map(exploreSettings);
  const given = [typedRules(options), rulesOfDive('the command line', diveFlags(options), diveFlagProblem)];
  const named = textOption(options, 'ciConfig');
  // Somebody who comes from dive has one; who has written rules for us means those.
  const found = named ?? (files.some(speaks) ? undefined : defaultDiveFile(folder));
  const dive: RuleSource[] = [];
  if (found !== undefined) {
    const { thresholds, fail } = diveSettings(found);
    dive.push(rulesOfDive(found, thresholds, fail));
  }
  const rules = chooseRules([...given, ...dive, ...files]);
  if (
    rules.against === undefined &&
    options.maxGrowth !== undefined &&
    rules.limits['max-growth'] !== undefined
  )
    throw usage('--max-growth needs --against IMAGE, or "against" in dobos.yaml');
  if (options.against !== undefined && rules.limits['max-growth'] === undefined)
    throw usage('--against is for --max-growth, and no rule limits growth');
  return rules;
}

/** dive's thresholds: its flags, then its file, then its defaults; and the file, if there is one. @throws PROJECT_ errors, YAML_SYNTAX */
export function diveThresholds(
  options: OptionValues,
  folder: string,
): { readonly thresholds: DiveThresholds; readonly file: string | undefined } {
  const file = textOption(options, 'ciConfig') ?? defaultDiveFile(folder);
  const read = file === undefined ? {} : diveSettings(file).thresholds;
  return { thresholds: { ...DIVE_DEFAULTS, ...read, ...diveFlags(options) }, file };
}

/** dive looks where it stands, and nowhere else. */
const defaultDiveFile = (folder: string): string | undefined =>
  existsSync(join(folder, DIVE_FILE)) ? DIVE_FILE : undefined;

function diveFlags(options: OptionValues): Partial<DiveThresholds> {
  const given = DIVE_RULES.flatMap((name) => {
    const text = textOption(options, name);
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(given);
}

const diveFlagProblem = (rule: keyof DiveThresholds, wanted: string): Error =>
  cliError('CLI_USAGE', { command: 'explore', problem: `--${rule} wants ${wanted}` });

function typedRules(options: OptionValues): RuleSource {
  const limits: { [K in LimitedRule]?: number | Growth | 'off' } = {};
  for (const rule of RULE_IDS) {
    const text = rule === 'forbid' ? undefined : textOption(options, camelCase(rule));
    if (rule === 'forbid' || text === undefined) continue;
    const read = readLimit(rule, text);
    if ('wanted' in read) throw usage(`--${rule} is "${text}", want ${read.wanted}`);
    limits[rule] = 'off' in read ? 'off' : read.limit;
  }
  const against = textOption(options, 'against');
  return {
    from: 'the command line',
    limits,
    forbid: patterns(options, 'forbid'),
    ignore: patterns(options, 'ignore'),
    ...(against === undefined ? {} : { against }),
    ...(options.ownLayers === true ? { ownLayers: true } : {}),
  };
}

function patterns(options: OptionValues, name: string): readonly string[] {
  const given = listOption(options, name);
  for (const pattern of given) {
    const wanted = patternProblem(pattern);
    if (wanted !== undefined) throw usage(`--${name} is "${pattern}", want ${wanted}`);
  }
  return given;
}

const usage = (problem: string): Error => cliError('CLI_USAGE', { command: 'explore', problem });
