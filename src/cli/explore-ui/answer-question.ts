import { searchFile } from './act-on-viewer.ts';
import type { Acting } from './acting.ts';
import { MAX_WANTED } from './find-text.ts';
import { filterAnew } from './list-anew.ts';
import type { Typed } from './read-keys.ts';
import { searchRows } from './search-rows.ts';
import type { Question } from './state.ts';
import { extractable } from './stored-file.ts';

/** Longest path that the kernel takes. */
const MAX_PATH = 4096;

/** What is typed while there is a question. */
export function answerQuestion(acting: Acting, typed: Typed): void {
  const { s, world } = acting;
  const question = s.question!;
  const before = question.text;
  if ('pasted' in typed) addText(question, typed.pasted);
  else if (typed.key === 'esc') {
    s.question = undefined;
    if (question.kind === 'filter') setFilter(acting, '');
    return;
  } else if (typed.key === 'enter') {
    answer(acting, question);
    return;
  } else if (typed.key === 'ctrl+c') {
    world.quit();
    return;
  } else if (typed.key === 'ctrl+z') {
    world.suspend();
    return;
  } else edit(question, typed.key);
  if (question.text === before) return;
  question.problem = undefined;
  if (question.kind === 'filter') setFilter(acting, question.text);
}

function edit(question: Question, key: string): void {
  const { text } = question;
  if (key === 'backspace') question.text = [...text].slice(0, -1).join('');
  else if (key === 'ctrl+u') question.text = '';
  else if (key === 'ctrl+w') question.text = text.replace(/[^\s/]*[\s/]*$/, '');
  else if ([...key].length === 1) addText(question, key);
}

function addText(question: Question, added: string): void {
  const most = question.kind === 'extract' ? MAX_PATH : MAX_WANTED;
  question.text = (question.text + added.replace(/[\u0000-\u001f\u007f]/g, '')).slice(0, most);
}

function setFilter(acting: Acting, text: string): void {
  if (acting.s.filter === text) return;
  acting.s.filter = text;
  filterAnew(acting);
}

function answer(acting: Acting, question: Question): void {
  const { s } = acting;
  if (question.problem !== undefined || s.busy !== undefined) return;
  if (question.kind === 'extract') {
    void extract(acting, question);
    return;
  }
  s.question = undefined;
  if (question.kind === 'filter') {
    s.pane = 'tree';
    return;
  }
  const { viewer } = s;
  const wanted = question.text;
  if (viewer !== undefined) {
    viewer.wanted = wanted || viewer.wanted;
    if (viewer.wanted !== '') searchFile(acting, viewer, false, viewer.top);
    return;
  }
  s.wanted = wanted || s.wanted;
  s.pane = 'tree';
  if (s.wanted !== '') searchRows(acting, false);
}

/** Writes the file under the cursor; the question stays until there is an answer that works. */
async function extract({ s, world }: Acting, question: Question): Promise<void> {
  const file = s.cursor === undefined ? 'there is no file' : extractable(s.subject, s.view, s.cursor);
  if (typeof file === 'string' || question.text === '') {
    question.problem = typeof file === 'string' ? file : 'a name is needed';
    return;
  }
  s.busy = `writing ${question.text} …`;
  try {
    const target = await world.extract(file, question.text);
    if (s.question === question) s.question = undefined;
    s.message = `${target} is written`;
  } catch (error) {
    question.problem = error instanceof Error ? error.message : String(error);
  } finally {
    s.busy = undefined;
    world.changed();
  }
}
