import { describe, expect, test } from 'vitest';
import { parseXml } from '../../../test/support/parse-xml.ts';
import type { CiFinding, CiReport } from '../../app/explore-ci.ts';
import { RULE_IDS } from '../../explore/rules/types.ts';
import { createPaint } from '../colour.ts';
import { githubReport } from './github.ts';
import { junitReport } from './junit.ts';
import { markdownReport } from './markdown.ts';
import { sarifReport } from './sarif.ts';
import { textReport } from './text.ts';

/** A name that would break out of every format if it could: ends of lines, quotes, tags, fences, cells, commands, escape sequences, no UTF-8, mentions, links. */
const EVIL =
  'a"\'<b>&]]>\n::error::x%0A|y`z``w`\u001b[31m\u0007\r\ud83d \udc80 @you #1 https://example.org/ ::set-output name=a::,b:c\u0085\ufffe -->';

const digest = `sha256:${'a'.repeat(64)}`;
const IMAGE = { name: EVIL, digest, id: digest, os: 'linux', architecture: 'amd64', total: 10 };

const finding = (more: Partial<CiFinding> = {}): CiFinding => ({
  message: `/${EVIL}: 4 B`,
  path: EVIL,
  bytes: 4,
  layer: { number: 1, diffId: digest, createdBy: `RUN echo ${EVIL}` },
  ...more,
});

function reportOf(findings: readonly CiFinding[], more = 0): CiReport {
  const failed = {
    status: 'failed',
    summary: 's',
    unit: 'bytes',
    actual: 4,
    limit: 1,
    findings,
    more,
  } as const;
  return {
    version: 1,
    image: IMAGE,
    rulesFrom: [EVIL],
    passed: false,
    total: 10,
    visible: 6,
    hidden: 4,
    efficiency: 0.6,
    layers: 2,
    digestsChecked: true,
    rules: [
      { ...failed, rule: 'min-efficiency', status: 'passed', message: 'fine', findings: [], more: 0 },
      { ...failed, rule: 'max-hidden', message: `${EVIL} too many` },
      { ...failed, rule: 'max-growth', status: 'skipped', message: EVIL, findings: [], more: 0 },
      { ...failed, rule: 'forbid', message: 'again' },
    ],
  };
}

const place = { file: 'sub dir/Dockerfile,x:y', line: 3 };
const placed = finding({ layer: { number: 1, diffId: digest, createdBy: 'RUN x', ...place } });
const reports = {
  'no place': reportOf([finding()]),
  'a place': reportOf([placed, finding()], 7),
  'two places': reportOf([
    placed,
    finding({ layer: placed.layer, hiddenBy: { number: 2, diffId: digest, ...place, line: 9 } }),
  ]),
  'no finding': reportOf([]),
};
const cases = Object.entries(reports);

/** What has no business in a line that people or programs read. */
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

describe.each(cases)('a report with %s', (_, report) => {
  test('as text has no control characters and one line each', () => {
    const text = textReport(report, createPaint(false));
    expect(text).not.toMatch(CONTROL);
    expect(text.split('\n').filter((line) => /^(?:pass|FAIL|skip) {2}/.test(line))).toHaveLength(4);
    expect(text).toMatch(/\n2 of 3 rules are broken\n$/);
  });

  test('as JUnit is XML that holds what there is', () => {
    const xml = junitReport(report);
    const parsed = parseXml(xml);
    expect(parsed.tag).toBe('testsuites');
    const [suite, ...others] = parsed.children;
    expect(others).toEqual([]);
    expect(suite).toMatchObject({
      tag: 'testsuite',
      attributes: { tests: '4', failures: '2', errors: '0', skipped: '1' },
    });
    expect(suite!.children.map(({ tag, attributes }) => [tag, attributes.name])).toEqual([
      ['testcase', 'min-efficiency'],
      ['testcase', 'max-hidden'],
      ['testcase', 'max-growth'],
      ['testcase', 'forbid'],
    ]);
    expect(suite!.children.map(({ children }) => children.map(({ tag }) => tag))).toEqual([
      [],
      ['failure'],
      ['skipped'],
      ['failure'],
    ]);
    const { text } = suite!.children[1]!.children[0]!;
    if (report.rules[1]!.findings.length > 0) expect(text).toContain('/a"\'<b>&]]>\n::error::x%0A|y');
  });

  test('as SARIF keeps the rules of 2.1.0', () => {
    const problems = sarifProblems(JSON.parse(JSON.stringify(sarifReport(report, '1.2.3'))));
    expect(problems).toEqual([]);
  });

  test('as Markdown keeps everything in its code span', () => {
    const text = markdownReport(report);
    expect(text).not.toMatch(CONTROL);
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(6);
    // Cells: what stands between bars that are not escaped.
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(5);
    const outside = text.replace(/(`+)(?:(?!\1(?!`))[\s\S])*?[^`]\1(?!`)/g, 'CODE');
    expect(outside).not.toMatch(/@you|https:|<b>|#1|::/);
  });

  test('as commands of GitHub is one line each, and no other command', () => {
    const lines = githubReport(report).trimEnd().split('\n');
    for (const line of lines) {
      expect(line).toMatch(/^::(?:error|notice) (?:[a-z]+=[^,:]*,?)+::/);
      expect(line).not.toMatch(CONTROL);
      expect(line.match(/%(?!25|0A|3A|2C)/g)).toBeNull();
    }
    expect(lines.at(-1)).toMatch(/^::notice title=dobos explore::.*2 of 3 rules are broken$/);
  });
});

test('annotations stand at the lines of the Dockerfile, once a line and rule', () => {
  const at = (report: CiReport) =>
    githubReport(report)
      .split('\n')
      .filter((line) => line.startsWith('::error'))
      .map((line) => /^::error (.*?)::/.exec(line)![1]);
  expect(at(reports['two places'])).toEqual([
    'file=sub dir/Dockerfile%2Cx%3Ay,line=3,title=dobos max-hidden',
    'file=sub dir/Dockerfile%2Cx%3Ay,line=3,title=dobos forbid',
  ]);
  expect(at(reports['a place'])).toEqual([
    'file=sub dir/Dockerfile%2Cx%3Ay,line=3,title=dobos max-hidden',
    'title=dobos max-hidden',
    'file=sub dir/Dockerfile%2Cx%3Ay,line=3,title=dobos forbid',
    'title=dobos forbid',
  ]);
  expect(at(reports['no finding'])).toEqual(['title=dobos max-hidden', 'title=dobos forbid']);
});

test('SARIF results stand at the lines of the Dockerfile, else at the image', () => {
  const of = (report: CiReport) =>
    (
      sarifReport(report, '1') as { runs: { results: { locations: { physicalLocation: object }[] }[] }[] }
    ).runs[0]!.results.map(({ locations }) => locations[0]!.physicalLocation);
  const line = { artifactLocation: { uri: 'sub%20dir/Dockerfile%2Cx%3Ay' }, region: { startLine: 3 } };
  expect(of(reports['a place'])[1]).toEqual(line);
  const plain = { ...reports['no place'], image: { ...IMAGE, name: 'reg:5000/app:1' } };
  expect(of(plain)[1]).toEqual({ artifactLocation: { uri: 'reg%3A5000/app%3A1' }, region: { startLine: 1 } });
});

test('the text shows each instruction with its line, and the same files once', () => {
  const rule = reports['a place'].rules[1]!;
  const found = finding({ message: '/x: 4 B', layer: { ...placed.layer!, createdBy: '/bin/sh -c make' } });
  const report: CiReport = {
    ...reports['a place'],
    image: { ...IMAGE, name: 'app:1' },
    rulesFrom: [],
    rules: [
      { ...rule, message: 'much', findings: [found], more: 2 },
      { ...rule, rule: 'max-hidden-share', message: 'much more', findings: [found], more: 2 },
    ],
  };
  expect(textReport(report, createPaint(false))).toBe(`app:1  sha256:aaaaaaaaaaaa  the default rule

FAIL  max-hidden        much
      /x: 4 B
        layer 1: RUN make  (sub dir/Dockerfile,x:y:3)
      … and 2 more: --format json lists more of them
FAIL  max-hidden-share  much more
      by the files of max-hidden

2 of 2 rules are broken
`);
});

interface SarifPlace {
  readonly id?: number;
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string };
    readonly region: { readonly startLine: number };
  };
  readonly logicalLocations?: readonly { readonly fullyQualifiedName: string }[];
}

interface SarifLog {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly name: string; readonly rules: readonly { readonly id: string }[] };
    };
    readonly invocations: readonly { readonly executionSuccessful: boolean }[];
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly SarifPlace[];
      readonly relatedLocations?: readonly SarifPlace[];
      readonly partialFingerprints: Readonly<Record<string, string>>;
    }[];
  }[];
}

/** What a log breaks of the parts of SARIF 2.1.0 that ours uses (sections in brackets). */
function sarifProblems(log: SarifLog): string[] {
  const problems: string[] = [];
  const must = (ok: boolean, what: string): void => {
    if (!ok) problems.push(what);
  };
  must(log.version === '2.1.0', 'version (3.13.2)');
  must(Array.isArray(log.runs) && log.runs.length === 1, 'runs (3.13.4)');
  const { tool, results, invocations } = log.runs[0]!;
  must(typeof tool.driver.name === 'string', 'driver.name (3.19.8)');
  const ids = tool.driver.rules.map((rule) => rule.id);
  must(new Set(ids).size === ids.length && ids.length === RULE_IDS.length, 'unique rule ids (3.19.23)');
  must(typeof invocations[0]!.executionSuccessful === 'boolean', 'executionSuccessful (3.20.14)');
  for (const result of results) {
    must(typeof result.message.text === 'string' && result.message.text !== '', 'message (3.11.8)');
    must(['none', 'note', 'warning', 'error'].includes(result.level), 'level (3.27.10)');
    must(ids[result.ruleIndex] === result.ruleId, 'ruleIndex (3.27.6)');
    must(result.locations.length === 1, 'locations (3.27.12)');
    must(
      Object.values(result.partialFingerprints).every((value) => typeof value === 'string'),
      '3.27.17',
    );
    const related = result.relatedLocations ?? [];
    must(new Set(related.map(({ id }) => id)).size === related.length, 'unique ids (3.28.2)');
    for (const { physicalLocation, logicalLocations = [] } of [...result.locations, ...related]) {
      const { uri } = physicalLocation.artifactLocation;
      must(/^[!-~]+$/.test(uri) && URL.canParse(uri, 'file:///work/'), `uri reference ${uri} (3.4.3)`);
      must(
        Number.isInteger(physicalLocation.region.startLine) && physicalLocation.region.startLine >= 1,
        '3.30.5',
      );
      for (const each of logicalLocations) must(typeof each.fullyQualifiedName === 'string', '3.33.5');
    }
    must(!/\p{Surrogate}/u.test(JSON.stringify(result)), 'whole characters');
  }
  return problems;
}
