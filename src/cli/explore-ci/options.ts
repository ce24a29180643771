import { DIVE_RULES } from '../../explore/dive-rules.ts';
import { RULE_IDS } from '../../explore/rules/types.ts';
import { cliError } from '../errors.ts';
import type { OptionSpec, OptionValues } from '../spec.ts';

export const FORMATS = ['text', 'json', 'junit', 'sarif', 'markdown', 'github'] as const;

/** Options of `explore --ci`. */
export const CI_OPTIONS: readonly OptionSpec[] = [
  { flags: '--ci', summary: 'hold the image to rules; exit code 1 if one is broken', common: true },
  {
    flags: '--min-efficiency <share>',
    summary: 'rule: share of the bytes that must be visible (`95%`, `0.95`)',
  },
  { flags: '--max-hidden <size>', summary: 'rule: bytes that may be shipped and not visible (`20MB`)' },
  {
    flags: '--max-hidden-share <share>',
    summary: "rule: hidden share of the bytes of the image's own layers",
  },
  { flags: '--max-size <size>', summary: 'rule: bytes of the files in all layers' },
  { flags: '--max-layers <n>', summary: 'rule: number of layers' },
  {
    flags: '--max-growth <size|share>',
    summary: 'rule: how much larger than the image of --against it may be',
  },
  {
    flags: '--forbid <pattern>',
    summary: 'rule: a path that no layer may hold, hidden or not',
    repeat: true,
  },
  { flags: '--against <image>', summary: 'the image that growth is measured from' },
  { flags: '--ignore <pattern>', summary: 'paths that may be hidden', repeat: true },
  { flags: '--own-layers', summary: 'hidden bytes and efficiency of the layers above the base only' },
  { flags: '--format <format>', summary: 'how the rules are told', choices: FORMATS, default: 'text' },
  { flags: '-o, --output <file>', summary: 'write that into a file, and text to standard output' },
  { flags: '--compat <tool>', summary: "dive's numbers, JSON, text and exit codes", choices: ['dive'] },
  { flags: '--ci-config <file>', summary: "rules in dive's words; `.dive-ci` by default" },
  { flags: '--lowestEfficiency <n>', summary: "dive's rule: like --min-efficiency" },
  { flags: '--highestWastedBytes <size>', summary: "dive's rule: like --max-hidden" },
  { flags: '--highestUserWastedPercent <n>', summary: "dive's rule: like --max-hidden-share" },
];

/** Options that say nothing without rules, by their names among the parsed ones. */
const NEED_CI = [
  ...RULE_IDS.map(camelCase),
  'against',
  'ignore',
  'ownLayers',
  'output',
  'ciConfig',
  ...DIVE_RULES,
];

/** True if rules are asked for: by `--ci`, or with `--compat dive` by CI in the environment, as dive has it. @throws CLI_USAGE for options that need it */
export function wantsRules(options: OptionValues, ci: string | undefined): boolean {
  if (options.compat === 'dive') refuseOurRules(options);
  if (options.ci === true) return true;
  if (options.compat === 'dive' && ['true', '1', 'yes'].includes(ci ?? '')) return true;
  const given = NEED_CI.find((name) => options[name] !== undefined);
  const format = options.format === undefined || options.format === 'text' ? undefined : 'format';
  const stray = given ?? format;
  if (stray === undefined) return false;
  throw cliError(
    'CLI_USAGE',
    { command: 'explore', problem: `${flagOf(stray)} says something about rules, and none are asked for` },
    { hint: 'add --ci' },
  );
}

/** @throws CLI_USAGE */
function refuseOurRules(options: OptionValues): void {
  const ours = NEED_CI.filter((name) => name !== 'ciConfig' && !DIVE_RULES.some((rule) => rule === name));
  const stray =
    ours.find((name) => options[name] !== undefined) ?? (options.format === 'text' ? undefined : 'format');
  if (stray === undefined || options[stray] === undefined) return;
  throw cliError(
    'CLI_USAGE',
    { command: 'explore', problem: `${flagOf(stray)} is nothing that dive has` },
    { hint: 'leave --compat out: --ci-config and the flags of dive work without it too' },
  );
}

/** The option as it is typed. */
function flagOf(name: string): string {
  const flags = CI_OPTIONS.map(({ flags }) => /--[A-Za-z-]+/.exec(flags)![0]);
  return flags.find((flag) => camelCase(flag.slice(2)) === name)!;
}

export function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
