import type { CommandSpec, OptionSpec } from './spec.ts';

/** A command's help: one sentence, usage, the options people use most, examples, then the rest. */
export function commandHelp(spec: CommandSpec): string {
  const common = spec.options.filter((option) => option.common);
  const rest = spec.options.filter((option) => !option.common);
  const sections = [
    `${spec.summary}.`,
    `usage: dobos ${spec.name} ${spec.usage}`,
    common.length > 0 ? `${rest.length > 0 ? 'most used' : 'options'}:\n${optionLines(common)}` : '',
    `examples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`,
    rest.length > 0 ? `${common.length > 0 ? 'more options' : 'options'}:\n${optionLines(rest)}` : '',
    spec.limits === undefined ? '' : `limits:\n${spec.limits.map((line) => `  ${line}`).join('\n')}`,
    spec.aliases.length > 0 ? `also: ${spec.aliases.map((alias) => `dobos ${alias}`).join(', ')}` : '',
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** The list of commands, by group. */
export function overviewHelp(
  groups: readonly { readonly title: string; readonly rows: readonly (readonly [string, string])[] }[],
): string {
  const width = Math.max(...groups.flatMap(({ rows }) => rows.map(([name]) => name.length)));
  const blocks = groups.map(
    ({ title, rows }) =>
      `${title}:\n${rows.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}`,
  );
  return [
    'dobos builds container images, shows what is inside them and runs them, with no daemon.',
    'usage: dobos [--debug] COMMAND [OPTIONS] …',
    ...blocks,
    'dobos COMMAND --help explains a command, with examples.\n',
  ].join('\n\n');
}

function optionLines(options: readonly OptionSpec[]): string {
  const width = Math.max(...options.map(({ flags }) => flagText(flags).length));
  return options
    .map(
      (option) =>
        `  ${flagText(option.flags).padEnd(width)}  ${option.summary}${choiceText(option)}${option.repeat ? ' (repeatable)' : ''}`,
    )
    .join('\n');
}

const flagText = (flags: string): string => (flags.startsWith('--') ? `    ${flags}` : flags);

/** `: auto, plain or quiet`. */
const choiceText = ({ choices, summary }: OptionSpec): string =>
  choices === undefined || choices.length < 2 || choices.every((choice) => summary.includes(choice))
    ? ''
    : `: ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
