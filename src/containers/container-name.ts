import { containerError } from './errors.ts';
import { MOODS, TRADES } from './name-words.ts';

/** As docker has it, with an end: file names and terminals have one too. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/;
/** Pairs tried before a digit is added: with half of them taken the chance to fail is one in a thousand. */
const MAX_DRAWS = 10;

/** The name itself. @throws CONTAINER_NAME */
export function parseContainerName(text: string): string {
  const name = text.startsWith('/') ? text.slice(1) : text;
  if (!NAME.test(name)) throw containerError('CONTAINER_NAME', { name: text });
  return name;
}

/** A made-up name that is not taken, such as `eager_carver`; `random` gives numbers from 0 up to but not including 1. */
export function makeContainerName(isTaken: (name: string) => boolean, random: () => number): string {
  const draw = (words: readonly string[]): string => words[Math.floor(random() * words.length)]!;
  const drawPair = (): string => `${draw(MOODS)}_${draw(TRADES)}`;
  for (let draws = 0; draws < MAX_DRAWS; draws++) {
    const name = drawPair();
    if (!isTaken(name)) return name;
  }
  const name = drawPair();
  for (let number = 2; ; number++) if (!isTaken(`${name}${number}`)) return `${name}${number}`;
}
