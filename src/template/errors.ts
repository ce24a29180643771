/** What can be wrong with a template, and while it runs. Worded as docker words them. */
import { errorMaker } from '../base/errors.ts';

type TemplateErrors = {
  TEMPLATE_INVALID: { line: number; why: string };
  TEMPLATE_CALL: { why: string };
  TEMPLATE_FAILED: { line: number; column: number; at: string; why: string };
};
/** Errors of templates, in the words of Go’s text/template. */
export const templateError = errorMaker<TemplateErrors>({
  TEMPLATE_INVALID: ({ line, why }) => ({
    message: `template parsing error: template: :${line}: ${why}`,
    hint: "a template is text with actions in it, such as '{{.Id}}' or '{{json .Config}}'",
  }),
  TEMPLATE_CALL: ({ why }) => why,
  TEMPLATE_FAILED: ({ line, column, at, why }) =>
    `template: :${line}:${column}: executing at <${at}>: ${why}`,
});

/** 1-based line and 0-based column, as Go counts them. */
export function linePlace(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - (before.lastIndexOf('\n') + 1) };
}
