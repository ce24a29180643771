import { checkComment } from '../check-options.ts';
import { checkUrl, type Rule } from '../rule.ts';

/** The comment above an ARG or FROM describes it. */
export const invalidDefinitionDescription: Rule = {
  id: 'InvalidDefinitionDescription',
  url: checkUrl('InvalidDefinitionDescription'),
  severity: 'style',
  experimental: true,
  summary: 'a comment right above a named FROM or an ARG starts with its name',
  why: '`build --call outline` and `--call targets` show such comments as descriptions: `# name what it is for`. A comment that is meant for something else is kept apart by a blank line, or a line with a lone `#`.',
  needs: 'line',
  examples: {
    bad: '# check=experimental=InvalidDefinitionDescription\n\n# the builder\nFROM scratch AS base\n',
    good: '# check=experimental=InvalidDefinitionDescription\n\n# base is the builder\nFROM scratch AS base\n',
  },
  *check({ file }) {
    for (const on of file.instructions) {
      const names =
        on.kind === 'ARG'
          ? on.pairs.map(({ name }) => name.text)
          : on.kind === 'FROM' && on.as !== undefined
            ? [on.as.name.text.toLowerCase()]
            : [];
      const comment = on.comments
        .slice(on.comments.lastIndexOf('') + 1)
        .findLast((text) => checkComment(text) === undefined);
      if (names.length === 0 || comment === undefined || names.includes(comment.split(' ')[0]!)) continue;
      const shown = names.length === 1 ? names[0]! : '<arg_key>';
      yield {
        message: `Comment for ${on.kind} should follow the format: \`# ${shown} <description>\``,
        on,
        at: on.keyword.range,
      };
    }
  },
};
