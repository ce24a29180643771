import type { CiFinding, CiLayer, CiReport } from '../../app/explore-ci.ts';
import { RULE_IDS, RULE_SUMMARIES } from '../../explore/rules/types.ts';
import { placeOf, wholeCharacters } from './clean.ts';

/** SARIF 2.1.0 as code scanning reads it: a result for each finding of a broken rule. Where no line of a Dockerfile is known, the place is the image, as container scanners have it. */
export function sarifReport(report: CiReport, version: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'dobos',
            version,
            rules: RULE_IDS.map((id) => ({
              id,
              shortDescription: { text: RULE_SUMMARIES[id] },
              defaultConfiguration: { level: 'error' },
            })),
          },
        },
        invocations: [{ executionSuccessful: true }],
        results: report.rules.flatMap(({ rule, status, message, findings, more }) => {
          if (status !== 'failed') return [];
          const whole: CiFinding = {
            message: more > 0 ? `${message}; … and ${more} more findings` : message,
          };
          const ruleIndex = RULE_IDS.indexOf(rule);
          return [whole, ...findings].map((finding) => ({
            ruleId: rule,
            ruleIndex,
            level: 'error',
            message: { text: wholeCharacters(finding.message) },
            locations: [locationOf(finding, report)],
            ...relatedOf(finding),
            partialFingerprints: { 'finding/v1': fingerprint(rule, finding) },
          }));
        }),
      },
    ],
  };
}

/** The same for the same finding in the next image: without sizes and layer numbers. */
function fingerprint(rule: string, { path }: CiFinding): string {
  return wholeCharacters(path === undefined ? rule : `${rule}:/${path}`);
}

function locationOf(finding: CiFinding, { image }: CiReport): object {
  const place = placeOf(finding);
  const path = finding.path === undefined ? undefined : `/${finding.path}`;
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(place?.file ?? image.name) },
      region: { startLine: place?.line ?? 1 },
    },
    logicalLocations: [
      {
        name: wholeCharacters(path ?? image.name),
        fullyQualifiedName: wholeCharacters(`${image.name}${path === undefined ? '' : `!${path}`}`),
        kind: 'resource',
      },
    ],
  };
}

/** The instruction that hides the bytes, where its line is known and not told yet. */
function relatedOf({ layer, hiddenBy }: CiFinding): object {
  if (layer?.file === undefined || hiddenBy?.file === undefined) return {};
  return { relatedLocations: [relatedLocation(hiddenBy)] };
}

const relatedLocation = ({ number, file = '', line = 1 }: CiLayer): object => ({
  id: 0,
  message: { text: `layer ${number} hides it` },
  physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: line } },
});

/** A path as a URI reference; the names of images have `:` and `@` in them, which a relative one may not begin with. */
function uriOf(path: string): string {
  const encoded = wholeCharacters(path).split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}
