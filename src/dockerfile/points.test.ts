import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Instruction, Word } from './ast.ts';
import { parseDockerfile } from './parse-dockerfile.ts';

/** The cases of golden/points.txt: `# what they show`, then the text as JSON and, indented, what it means. */
const sections = readFileSync(new URL('golden/points.txt', import.meta.url), 'utf8')
  .split(/^# /m)
  .slice(1)
  .map((section) => {
    const [title = '', ...lines] = section.trimEnd().split('\n');
    return [title, lines.join('\n').trim()] as const;
  });

describe('the language, point by point', () => {
  it.each(sections)('%s', (_, cases) => {
    const texts = cases.split('\n').filter((line) => line.startsWith('"'));
    expect(texts.length).toBeGreaterThan(0);
    const got = texts.map((text) => [text, ...meaning(JSON.parse(text))].join('\n    '));
    expect(got.join('\n')).toBe(cases);
  });
});

/** Instructions, problems and directives, a line each. */
function meaning(text: string): string[] {
  const { instructions, problems, directives, escape: sign } = parseDockerfile(text);
  return [
    ...instructions.map((each) => `${each.kind} ${shown(each)}`.trimEnd()),
    ...problems.map(({ severity, message }) => `${severity}: ${message}`),
    ...directives.map(({ name, value }) => `# ${name}=${value.text}, escape is ${sign}`),
  ];
}

const texts = (words: readonly Word[]): string => JSON.stringify(words.map(({ text }) => text));

function shown(each: Instruction): string {
  const flags = each.flags.map(
    ({ name, value }) => `--${name.text}${value === undefined ? '' : `=${value.text}`}`,
  );
  const heredocs = each.heredocs.map(
    ({ name, fd, chomp, expand, body }) =>
      `<${fd}${chomp ? '-' : ''}${expand ? '$' : ''} ${JSON.stringify(name)} ${JSON.stringify(body)}>`,
  );
  return [...flags, argumentsOf(each), ...heredocs].filter((part) => part !== '').join(' ');
}

function argumentsOf(each: Instruction): string {
  switch (each.kind) {
    case 'FROM':
      return each.image.text + (each.as === undefined ? '' : ` as ${each.as.name.text}`);
    case 'ARG':
    case 'ENV':
    case 'LABEL':
      return each.pairs
        .map(({ name, value }) => name.text + (value === undefined ? '' : `=${value.text}`))
        .join(' | ');
    case 'RUN':
    case 'CMD':
    case 'ENTRYPOINT':
      return each.command.form === 'exec'
        ? `exec ${texts(each.command.args)}`
        : JSON.stringify(each.command.text);
    case 'SHELL':
      return texts(each.args);
    case 'COPY':
    case 'ADD':
      return `${texts(each.sources)} to ${JSON.stringify(each.dest.text)}`;
    case 'EXPOSE':
    case 'VOLUME':
      return texts(each.words);
    case 'HEALTHCHECK':
      return each.command === undefined ? 'none' : each.command.form;
    case 'ONBUILD':
      return `${each.trigger.kind} ${shown(each.trigger)}`;
    case 'UNKNOWN':
      return '';
    default:
      return JSON.stringify(each.value.text);
  }
}
