import type { CiFinding, CiLayer, CiReport, CiRule } from '../../app/explore-ci.ts';
import { instructionText } from '../../explore/instruction.ts';
import { safeText } from '../build-view/safe-text.ts';
import type { Paint } from '../colour.ts';

/** Findings of a rule that are shown; the other formats have more. */
const SHOWN = 10;
const INSTRUCTION_WIDTH = 80;

/** The rules as people read them: one line each, below it what broke it, and the verdict at the end. */
export function textReport(report: CiReport, paint: Paint): string {
  const { image, rulesFrom } = report;
  const from = rulesFrom.length === 0 ? 'the default rule' : `rules of ${rulesFrom.join(', ')}`;
  return `${[
    `${paint('strong', safeText(image.name))}  ${image.id.slice(0, 19)}  ${paint('quiet', safeText(from))}`,
    '',
    ...report.rules.flatMap((rule) => ruleLines(rule, toldBefore(rule, report.rules), paint)),
    '',
    verdictLine(report, paint),
  ].join('\n')}\n`;
}

const WORDS = { passed: 'pass', failed: 'FAIL', skipped: 'skip' } as const;
const MEANINGS = { passed: 'added', failed: 'removed', skipped: 'quiet' } as const;

function ruleLines(rule: CiRule, before: CiRule | undefined, paint: Paint): string[] {
  const { status, message, findings, more } = rule;
  const head = `${paint(MEANINGS[status], WORDS[status])}  ${rule.rule.padEnd(16)}  ${safeText(message)}`;
  if (before !== undefined) return [head, paint('quiet', `      by the files of ${before.rule}`)];
  const rest = findings.length - Math.min(SHOWN, findings.length) + more;
  return [
    head,
    ...findings.slice(0, SHOWN).flatMap((finding) => findingLines(finding, paint)),
    ...(rest === 0 ? [] : [paint('quiet', `      … and ${rest} more: --format json lists more of them`)]),
  ];
}

/** The rule that has told of the same findings already. */
export function toldBefore(rule: CiRule, rules: readonly CiRule[]): CiRule | undefined {
  const said = ({ findings }: CiRule): string => findings.map(({ message }) => message).join('\n');
  if (rule.findings.length === 0) return undefined;
  return rules
    .slice(0, rules.indexOf(rule))
    .find((each) => each.findings.length > 0 && said(each) === said(rule));
}

function findingLines({ message, layer, hiddenBy }: CiFinding, paint: Paint): string[] {
  const layers = [layer, hiddenBy].filter((each) => each !== undefined);
  return [
    `      ${safeText(message)}`,
    ...layers.map((each) => paint('quiet', `        layer ${each.number}: ${layerText(each)}`)),
  ];
}

/** The instruction that made a layer, and where it stands. */
function layerText({ createdBy = '', file, line }: CiLayer): string {
  const text = safeText(instructionText({ createdBy })) || '(no instruction tells of it)';
  const shown = text.length > INSTRUCTION_WIDTH ? `${text.slice(0, INSTRUCTION_WIDTH - 1)}…` : text;
  return file === undefined ? shown : `${shown}  (${safeText(file)}:${line})`;
}

function verdictLine(report: CiReport, paint: Paint): string {
  return paint(report.passed ? 'added' : 'removed', verdict(report));
}

/** `1 of 3 rules is broken`. */
export function verdict({ rules }: CiReport): string {
  const looked = rules.filter(({ status }) => status !== 'skipped').length;
  const failed = rules.filter(({ status }) => status === 'failed').length;
  if (looked === 0) return 'no rule was looked at';
  if (looked === 1) return `the rule is ${failed === 0 ? 'kept' : 'broken'}`;
  if (failed === 0) return `all ${looked} rules are kept`;
  return `${failed} of ${looked} rules ${failed === 1 ? 'is' : 'are'} broken`;
}
