import type { Wording } from '../base/errors.ts';
import type { Problem, Range } from './ast.ts';

/** Everything that can be wrong in the text of a Dockerfile: code → facts → wording. */
type Facts = {
  DOCKERFILE_EMPTY: object;
  DOCKERFILE_NO_INSTRUCTIONS: object;
  DOCKERFILE_NO_STAGE: object;
  DOCKERFILE_BEFORE_FROM: { name: string };
  DOCKERFILE_LINE_TOO_LONG: { bytes: number; limit: number };
  DOCKERFILE_UNKNOWN_INSTRUCTION: { word: string; suggestion: string | undefined };
  DOCKERFILE_UNKNOWN_FLAG: { flag: string; suggestion: string | undefined };
  DOCKERFILE_DUPLICATE_FLAG: { flag: string };
  DOCKERFILE_FLAG_VALUE_MISSING: { flag: string };
  DOCKERFILE_FLAG_NOT_BOOLEAN: { flag: string; value: string };
  DOCKERFILE_FLAG_INVALID: { flag: string; value: string; want: string };
  DOCKERFILE_MOUNT: { message: string };
  DOCKERFILE_ARGUMENTS: { message: string; hint?: string };
  DOCKERFILE_JSON_NOT_STRINGS: { name: string };
  DOCKERFILE_SHELL_NOT_JSON: object;
  DOCKERFILE_NAME_BLANK: { name: string };
  DOCKERFILE_PAIR: { word: string };
  DOCKERFILE_HEALTHCHECK_TYPE: { word: string };
  DOCKERFILE_ONBUILD: { message: string };
  DOCKERFILE_HEREDOC_UNTERMINATED: { name: string };
  DOCKERFILE_HEREDOC_DEST: object;
  DOCKERFILE_STAGE_NAME: { name: string };
  DOCKERFILE_DIRECTIVE_TWICE: { name: string };
  DOCKERFILE_ESCAPE: { value: string };
  DOCKERFILE_SYNTAX: { value: string };
  DOCKERFILE_EMPTY_CONTINUATION: object;
};

const WORDINGS: { readonly [K in keyof Facts]: (facts: Facts[K]) => Wording } = {
  DOCKERFILE_EMPTY: () => 'the Dockerfile cannot be empty',
  DOCKERFILE_NO_INSTRUCTIONS: () => 'file with no instructions',
  DOCKERFILE_NO_STAGE: () => ({
    message: 'dockerfile contains no stages to build',
    hint: 'a stage starts with FROM: `FROM scratch` or `FROM debian`',
  }),
  DOCKERFILE_BEFORE_FROM: ({ name }) => ({
    message: `no build stage in current context: ${name} stands before the first FROM`,
    hint: 'only ARG may stand before FROM',
  }),
  DOCKERFILE_LINE_TOO_LONG: ({ bytes, limit }) =>
    `dockerfile line greater than max allowed size of ${limit}: got ${bytes} bytes`,
  DOCKERFILE_UNKNOWN_INSTRUCTION: ({ word, suggestion }) => ({
    message: `unknown instruction: ${word}${meant(suggestion)}`,
    hint: word.startsWith('EOF') || word.startsWith('<<') ? 'is this the end of a heredoc?' : undefined,
  }),
  DOCKERFILE_UNKNOWN_FLAG: ({ flag, suggestion }) => `unknown flag: --${flag}${meant(suggestion)}`,
  DOCKERFILE_DUPLICATE_FLAG: ({ flag }) => `duplicate flag specified: ${flag}`,
  DOCKERFILE_FLAG_VALUE_MISSING: ({ flag }) => `missing a value on flag: ${flag}`,
  DOCKERFILE_FLAG_NOT_BOOLEAN: ({ flag, value }) => `expecting boolean value for flag ${flag}, not: ${value}`,
  DOCKERFILE_FLAG_INVALID: ({ flag, value, want }) =>
    `invalid value for flag ${flag}: got ${JSON.stringify(value)}, want ${want}`,
  DOCKERFILE_MOUNT: ({ message }) => message,
  DOCKERFILE_ARGUMENTS: ({ message, hint }) => ({ message, hint }),
  DOCKERFILE_JSON_NOT_STRINGS: ({ name }) =>
    `when using JSON array syntax, arrays must be comprised of strings only, in ${name}`,
  DOCKERFILE_SHELL_NOT_JSON: () => ({
    message: 'SHELL requires the arguments to be in JSON form',
    hint: 'SHELL ["/bin/sh", "-c"]',
  }),
  DOCKERFILE_NAME_BLANK: ({ name }) => `${name} names can not be blank`,
  DOCKERFILE_PAIR: ({ word }) =>
    `syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
  DOCKERFILE_HEALTHCHECK_TYPE: ({ word }) => `unknown type ${JSON.stringify(word)} in HEALTHCHECK (try CMD)`,
  DOCKERFILE_ONBUILD: ({ message }) => message,
  DOCKERFILE_HEREDOC_UNTERMINATED: ({ name }) => ({
    message: `unterminated heredoc: no line reads ${JSON.stringify(name)}`,
    hint: 'the terminator stands alone on its line, without blanks around it',
  }),
  DOCKERFILE_HEREDOC_DEST: () => 'a heredoc cannot be the destination',
  DOCKERFILE_STAGE_NAME: ({ name }) =>
    `invalid name for build stage: ${JSON.stringify(name)}, name can't start with a number or contain symbols`,
  DOCKERFILE_DIRECTIVE_TWICE: ({ name }) => `only one ${name} parser directive can be used`,
  DOCKERFILE_ESCAPE: ({ value }) => `invalid escape token ${JSON.stringify(value)}, want \\ or \``,
  DOCKERFILE_SYNTAX: ({ value }) => ({
    message: `the syntax ${JSON.stringify(value)} names another frontend; the built-in one reads this file`,
    hint: 'docker/dockerfile:1 is what is built in',
  }),
  DOCKERFILE_EMPTY_CONTINUATION: () => ({
    message: 'empty line inside a continued instruction',
    hint: 'remove it, or start it with # as a comment',
  }),
};

const WARNINGS = new Set<keyof Facts>(['DOCKERFILE_SYNTAX', 'DOCKERFILE_EMPTY_CONTINUATION']);

/** A problem as a value. */
export function problem<K extends keyof Facts>(code: K, facts: Facts[K], range: Range): Problem {
  const wording = WORDINGS[code](facts);
  const { message, hint = undefined } = typeof wording === 'string' ? { message: wording } : wording;
  return { code, message, hint, range, severity: WARNINGS.has(code) ? 'warning' : 'error' };
}

function meant(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`;
}
