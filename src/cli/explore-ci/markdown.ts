import type { CiLayer, CiReport, CiRule } from '../../app/explore-ci.ts';
import { instructionText } from '../../explore/instruction.ts';
import { safeText } from '../build-view/safe-text.ts';
import { wholeCharacters } from './clean.ts';
import { toldBefore, verdict } from './text.ts';

/** Findings of a rule; a comment on a pull request is no place for more. */
const SHOWN = 10;
const INSTRUCTION_WIDTH = 100;
const WORDS = { passed: 'pass', failed: '**FAIL**', skipped: 'skip' } as const;

/** GitHub's and GitLab's Markdown, for a comment or a job's summary. Whatever comes from the image stands in code spans: nobody is mentioned, nothing is linked. */
export function markdownReport(report: CiReport): string {
  const { image, against, rules, rulesFrom } = report;
  const failed = rules.filter(({ status }) => status === 'failed');
  return `${[
    `### ${code(image.name)}: ${verdict(report)}`,
    '',
    '| rule | result | |',
    '|---|---|---|',
    ...rules.map(({ rule, status, message }) => `| ${rule} | ${WORDS[status]} | ${cell(message)} |`),
    ...failed.filter((rule) => toldBefore(rule, failed) === undefined).flatMap(findingsOf),
    '',
    [
      `image ${code(image.id)}`,
      ...(against === undefined ? [] : [`against ${code(`${against.name} ${against.id}`)}`]),
      rulesFrom.length === 0 ? 'the default rule' : `rules of ${rulesFrom.map(code).join(', ')}`,
    ].join(' · '),
  ].join('\n')}\n`;
}

function findingsOf({ rule, findings, more }: CiRule): string[] {
  if (findings.length === 0) return [];
  const rest = findings.length - Math.min(SHOWN, findings.length) + more;
  return [
    '',
    `<details><summary>${rule}</summary>`,
    '',
    ...findings
      .slice(0, SHOWN)
      .flatMap(({ message, layer, hiddenBy }) => [
        `- ${code(message)}`,
        ...[layer, hiddenBy].filter((each) => each !== undefined).map(layerLine),
      ]),
    ...(rest > 0 ? [`- … and ${rest} more`] : []),
    '',
    '</details>',
  ];
}

function layerLine({ number, createdBy = '', file, line }: CiLayer): string {
  const text = instructionText({ createdBy }) || '(no instruction tells of it)';
  const shown = text.length > INSTRUCTION_WIDTH ? `${text.slice(0, INSTRUCTION_WIDTH - 1)}…` : text;
  const place = file === undefined ? '' : ` (${code(`${file}:${line}`)})`;
  return `  - layer ${number}: ${code(shown)}${place}`;
}

/** In a table a `|` would end the cell, also in a code span; elsewhere its backslash would be shown. */
const cell = (text: string): string => code(text).replaceAll('|', '\\|');

/** A code span that holds any text: its fence is longer than each run of backticks inside. */
function code(text: string): string {
  const clean = wholeCharacters(safeText(text)) || ' ';
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = /^`|`$|^ .* $/.test(clean) ? ' ' : '';
  return `${fence}${pad}${clean}${pad}${fence}`;
}
