import type { CiReport, CiRule } from '../../app/explore-ci.ts';
import { wholeCharacters } from './clean.ts';

/** JUnit's XML, as Jenkins and GitLab read it: a test case for each rule. */
export function junitReport({ image, rules }: CiReport): string {
  const failed = rules.filter(({ status }) => status === 'failed').length;
  const skipped = rules.filter(({ status }) => status === 'skipped').length;
  const counts = `tests="${rules.length}" failures="${failed}" errors="0" skipped="${skipped}"`;
  const name = xml(`dobos explore ${image.name}`);
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${name}" ${counts} time="0">`,
    `  <testsuite name="${name}" ${counts} time="0">`,
    ...rules.map((rule) => testCase(image.name, rule)),
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')}\n`;
}

function testCase(image: string, { rule, status, message, findings, more }: CiRule): string {
  const open = `    <testcase classname="${xml(image)}" name="${rule}" time="0"`;
  if (status === 'passed') return `${open}/>`;
  const lines = [...findings.map((finding) => finding.message), ...(more > 0 ? [`… and ${more} more`] : [])];
  const body =
    status === 'skipped'
      ? `<skipped message="${xml(message)}"/>`
      : `<failure type="${rule}" message="${xml(message)}">${xml(lines.join('\n'))}</failure>`;
  return `${open}>\n      ${body}\n    </testcase>`;
}

/** Text for a node or an attribute. What XML 1.0 has no way to write becomes U+FFFD. */
function xml(text: string): string {
  return wholeCharacters(text)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"'\t\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}
