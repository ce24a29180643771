import type { Command } from './ast.ts';
import { readJsonForm } from './json-form.ts';
import { problem } from './problems.ts';
import type { Found } from './raw.ts';
import { isBlank, type Piece, wholeWord } from './source.ts';

/** The command of RUN, CMD or ENTRYPOINT: a JSON array of strings, else text for the shell. */
export function readCommand(kind: 'RUN' | 'CMD' | 'ENTRYPOINT', rest: Piece): Found<object> {
  const { value: command, problems } = commandOf(kind, rest);
  if (command?.form === 'exec' && command.args.length === 0 && kind === 'RUN') {
    const message = 'RUN requires at least one argument';
    return { value: undefined, problems: [problem('DOCKERFILE_ARGUMENTS', { message }, command.range)] };
  }
  return { value: command === undefined ? undefined : { kind, command }, problems };
}

/** SHELL takes the JSON form only. */
export function readShell(rest: Piece): Found<object> {
  const { value: command, problems } = commandOf('SHELL', rest);
  if (command?.form === 'exec' && command.args.length > 0) {
    return { value: { kind: 'SHELL', args: command.args }, problems };
  }
  if (command === undefined) return { value: undefined, problems };
  if (command.form === 'shell') {
    return { value: undefined, problems: [problem('DOCKERFILE_SHELL_NOT_JSON', {}, command.range)] };
  }
  const message = 'SHELL requires at least one argument';
  return { value: undefined, problems: [problem('DOCKERFILE_ARGUMENTS', { message }, command.range)] };
}

/** `NONE`, or `CMD` and a command. */
export function readHealthcheck(rest: Piece): Found<object> {
  let end = 0;
  while (end < rest.text.length && !isBlank(rest.text[end])) end++;
  const type = rest.word(0, end);
  let from = end;
  while (isBlank(rest.text[from])) from++;
  const command = rest.sub(from);
  const failed = (message: string): Found<object> => ({
    value: undefined,
    problems: [problem('DOCKERFILE_ARGUMENTS', { message }, wholeWord(rest).range)],
  });
  switch (type.text.toUpperCase()) {
    case 'NONE':
      if (command.text !== '') return failed('HEALTHCHECK NONE takes no arguments');
      return { value: { kind: 'HEALTHCHECK', command: undefined }, problems: [] };
    case 'CMD': {
      if (command.text === '') return failed('missing command after HEALTHCHECK CMD');
      const { value, problems } = commandOf('HEALTHCHECK', command);
      if (value?.form === 'exec' && value.args.length === 0) {
        return failed('missing command after HEALTHCHECK CMD');
      }
      return { value: value === undefined ? undefined : { kind: 'HEALTHCHECK', command: value }, problems };
    }
    default:
      return {
        value: undefined,
        problems: [problem('DOCKERFILE_HEALTHCHECK_TYPE', { word: type.text }, type.range)],
      };
  }
}

function commandOf(name: string, rest: Piece): Found<Command> {
  const json = readJsonForm(rest);
  const { text, range } = wholeWord(rest);
  if (json.kind === 'strings') return { value: { form: 'exec', args: json.words, range }, problems: [] };
  if (json.kind === 'none') return { value: { form: 'shell', text, range }, problems: [] };
  return { value: undefined, problems: [problem('DOCKERFILE_JSON_NOT_STRINGS', { name }, range)] };
}
