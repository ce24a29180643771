import type { CiFinding, CiReport, CiRule } from '../../app/explore-ci.ts';
import { safeText } from '../build-view/safe-text.ts';
import { placeOf, type SourcePlace, wholeCharacters } from './clean.ts';
import { verdict } from './text.ts';

/** Findings that one annotation tells of. */
const SHOWN = 10;

/** Commands of GitHub Actions: an error for each broken rule, at each line of the Dockerfile that breaks it where lines are known; and the verdict. */
export function githubReport(report: CiReport): string {
  const failed = report.rules.filter(({ status }) => status === 'failed');
  const notice = command(
    'notice',
    { title: 'dobos explore' },
    `${safeText(report.image.name)}: ${verdict(report)}`,
  );
  return `${[...failed.flatMap((rule) => annotations(rule, report)), notice].join('\n')}\n`;
}

function annotations(rule: CiRule, { image }: CiReport): string[] {
  const groups = new Map<string, { place: SourcePlace | undefined; findings: CiFinding[] }>();
  for (const finding of rule.findings) {
    const place = placeOf(finding);
    const key = place === undefined ? '' : `${place.line} ${place.file}`;
    const group = groups.get(key) ?? { place, findings: [] };
    groups.set(key, group);
    group.findings.push(finding);
  }
  if (groups.size === 0) groups.set('', { place: undefined, findings: [] });
  return [...groups.values()].map(({ place, findings }) => {
    const rest = findings.length - Math.min(SHOWN, findings.length) + rule.more;
    const lines = [
      `${image.name}: ${rule.message}`,
      ...findings.slice(0, SHOWN).map(({ message }) => message),
      ...(rest > 0 ? [`… and ${rest} more`] : []),
    ];
    const at = place === undefined ? {} : { file: place.file, line: String(place.line) };
    return command('error', { ...at, title: `dobos ${rule.rule}` }, lines.map(safeText).join('\n'));
  });
}

function command(name: string, properties: Readonly<Record<string, string>>, message: string): string {
  const pairs = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(value)}`);
  return `::${name} ${pairs.join(',')}::${escapeData(message)}`;
}

const escapeData = (text: string): string =>
  wholeCharacters(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const escapeProperty = (text: string): string =>
  escapeData(safeText(text)).replaceAll(':', '%3A').replaceAll(',', '%2C');
