import { DIVE_RULES, type DiveThresholds } from '../explore/dive-rules.ts';
import { patternProblem, patternsProblem } from '../explore/rules/path-patterns.ts';
import { type LimitedRule, readLimit } from '../explore/rules/read-limit.ts';
import { type Growth, RULE_IDS, type RuleLimits, type RuleOptions } from '../explore/rules/types.ts';
import type { YamlNode } from '../yaml/types.ts';
import {
  isNothing,
  knownEntries,
  type SettingsFile,
  scalarOf,
  settingsFile,
  textsOf,
  valueError,
} from './project-settings.ts';

/** Rules of one source; what it does not speak of is absent. */
export interface RuleSource {
  /** What it is, for messages: a file, an option. */
  readonly from: string;
  /** `off` takes away what a source behind it says. */
  readonly limits: { readonly [K in LimitedRule]?: number | Growth | 'off' };
  readonly forbid?: readonly string[] | undefined;
  readonly ignore?: readonly string[] | undefined;
  readonly against?: string | undefined;
  readonly ownLayers?: boolean | undefined;
}

export interface ChosenRules extends RuleOptions {
  readonly against: string | undefined;
  /** The sources that say something. */
  readonly from: readonly string[];
}

/** Sections of a file of settings. */
const SECTIONS = ['explore'];
const EXPLORE = ['rules', 'ignore', 'against', 'own-layers'];
const LIMITED = RULE_IDS.filter((rule) => rule !== 'forbid');

/** What a file of settings says of exploring. @throws PROJECT_KEY, PROJECT_VALUE */
export function exploreSettings(file: SettingsFile): RuleSource {
  const section = knownEntries(file, file.node, 'the file', SECTIONS).get('explore')?.value;
  const entries = knownEntries(file, section, 'explore', EXPLORE);
  const rules = knownEntries(file, entries.get('rules')?.value, 'explore.rules', RULE_IDS);
  const limits: { [K in LimitedRule]?: number | Growth | 'off' } = {};
  for (const rule of LIMITED) {
    const node = rules.get(rule)?.value;
    if (node === undefined) continue;
    const { text } = isNothing(node)
      ? { text: 'off' }
      : scalarOf(file, node, `explore.rules.${rule}`, 'one value');
    const read = readLimit(rule, text);
    if ('wanted' in read) throw valueError(file, node, `explore.rules.${rule}`, read.wanted);
    limits[rule] = 'off' in read ? 'off' : read.limit;
  }
  const against = entries.get('against')?.value;
  const own = entries.get('own-layers')?.value;
  return {
    from: file.name,
    limits,
    forbid: patternsOf(file, rules.get('forbid')?.value, 'explore.rules.forbid'),
    ignore: patternsOf(file, entries.get('ignore')?.value, 'explore.ignore'),
    ...(against === undefined || isNothing(against)
      ? {}
      : { against: scalarOf(file, against, 'explore.against', 'the name of an image').text }),
    ...(own === undefined || isNothing(own) ? {} : { ownLayers: readFlag(file, own) }),
  };
}

function readFlag(file: SettingsFile, node: YamlNode): boolean {
  const wanted = 'true or false';
  const { text } = scalarOf(file, node, 'explore.own-layers', wanted);
  if (text !== 'true' && text !== 'false') throw valueError(file, node, 'explore.own-layers', wanted);
  return text === 'true';
}

function patternsOf(
  file: SettingsFile,
  node: YamlNode | undefined,
  key: string,
): readonly string[] | undefined {
  if (node === undefined) return undefined;
  const texts = textsOf(file, node, key, 'a list of patterns such as "*.pem"');
  for (const each of texts) {
    const problem = patternProblem(each.text);
    if (problem !== undefined) throw valueError(file, each, key, problem);
  }
  const problem = patternsProblem(texts.map(({ text }) => text));
  if (problem !== undefined) throw valueError(file, node, key, problem);
  return texts.map(({ text }) => text);
}

/** The first source that speaks of a rule decides it; what is forbidden and ignored adds up. */
export function chooseRules(sources: readonly RuleSource[]): ChosenRules {
  const limits: { -readonly [K in keyof RuleLimits]: RuleLimits[K] } = {};
  for (const rule of LIMITED) {
    const limit = sources.find((source) => source.limits[rule] !== undefined)?.limits[rule];
    if (limit !== undefined && limit !== 'off') Object.assign(limits, { [rule]: limit });
  }
  const forbid = sources.flatMap((source) => source.forbid ?? []);
  if (forbid.length > 0) limits.forbid = [...new Set(forbid)];
  const first = <K extends 'against' | 'ownLayers'>(key: K): RuleSource[K] =>
    sources.find((source) => source[key] !== undefined)?.[key];
  return {
    limits,
    ignore: sources.flatMap((source) => source.ignore ?? []),
    ownLayers: first('ownLayers') ?? false,
    against: first('against'),
    from: [...new Set(sources.filter(speaks).map(({ from }) => from))],
  };
}

/** True if a source has rules, if only to take them away. */
export const speaks = ({ limits, forbid }: RuleSource): boolean =>
  Object.keys(limits).length > 0 || (forbid ?? []).length > 0;

/** The thresholds of a file of dive's, and how to tell that one is none. */
export interface DiveSettings {
  readonly thresholds: Partial<DiveThresholds>;
  fail(rule: keyof DiveThresholds, wanted: string): Error;
}

/** The thresholds in a .dive-ci; names in any case, as there, and rules that dive does not have are somebody's plugins. @throws PROJECT_FILE, PROJECT_VALUE, YAML_SYNTAX */
export function diveSettings(path: string): DiveSettings {
  const file = settingsFile(path);
  const thresholds: { -readonly [K in keyof DiveThresholds]?: string } = {};
  const nodes: { -readonly [K in keyof DiveThresholds]?: YamlNode } = {};
  const fail = (rule: keyof DiveThresholds, wanted: string): Error =>
    valueError(file, nodes[rule]!, `rules.${rule}`, wanted);
  if (isNothing(file.node)) return { thresholds, fail };
  if (file.node.kind !== 'map') throw valueError(file, file.node, 'the file', 'a map with the key "rules"');
  const rules = file.node.entries.get('rules')?.value;
  if (rules === undefined || isNothing(rules)) return { thresholds, fail };
  if (rules.kind !== 'map') throw valueError(file, rules, 'rules', 'a map of rules to thresholds');
  for (const [key, { value }] of rules.entries) {
    const rule = DIVE_RULES.find((name) => name.toLowerCase() === key.toLowerCase());
    if (rule === undefined || isNothing(value)) continue;
    thresholds[rule] = scalarOf(file, value, `rules.${key}`, 'one value').text;
    nodes[rule] = value;
  }
  return { thresholds, fail };
}

const AS_DIVE: Readonly<Record<keyof DiveThresholds, LimitedRule>> = {
  lowestEfficiency: 'min-efficiency',
  highestWastedBytes: 'max-hidden',
  highestUserWastedPercent: 'max-hidden-share',
};

/** dive's thresholds as rules over what is true: the nearest of ours each. What is no threshold goes to `fail`. */
export function rulesOfDive(
  from: string,
  thresholds: Partial<DiveThresholds>,
  fail: (rule: keyof DiveThresholds, wanted: string) => Error,
): RuleSource {
  const limits: { [K in LimitedRule]?: number | Growth | 'off' } = {};
  for (const name of DIVE_RULES) {
    const text = thresholds[name];
    if (text === undefined) continue;
    const read = readLimit(AS_DIVE[name], text);
    if ('wanted' in read) throw fail(name, read.wanted);
    limits[AS_DIVE[name]] = 'off' in read ? 'off' : read.limit;
  }
  return { from, limits };
}
