import { checkUrl, type Rule } from '../rule.ts';

const LABEL = 'org.opencontainers.image.authors';
/** What means the same between double quotes as without. */
const PLAIN = /^[^"'\\`$]+$/;

/** A label instead of MAINTAINER. */
export const maintainerDeprecated: Rule = {
  id: 'MaintainerDeprecated',
  url: checkUrl('MaintainerDeprecated'),
  severity: 'warning',
  summary: 'the author is named in a label, not with MAINTAINER',
  why: `\`MAINTAINER\` fills a field that few tools show. The label \`${LABEL}\` is the one that the OCI image specification names for it, and any image can have it changed.`,
  needs: 'line',
  examples: {
    bad: 'FROM alpine\nMAINTAINER moby@example.com\n',
    good: `FROM alpine\nLABEL ${LABEL}="moby@example.com"\n`,
  },
  *check({ file }) {
    for (const on of file.instructions) {
      if (on.kind !== 'MAINTAINER') continue;
      const { text } = on.value;
      const simple = PLAIN.test(text) && on.range.start.line === on.range.end.line;
      yield {
        message: 'Maintainer instruction is deprecated in favor of using label',
        on,
        at: on.keyword.range,
        fix: simple ? [{ range: on.range, text: `LABEL ${LABEL}="${text}"` }] : undefined,
      };
    }
  },
};
