import type { Instruction, Word } from '../dockerfile/ast.ts';
import { type ReadPort, readPort } from './read-port.ts';
import type { Edit } from './rule.ts';
import type { WalkedStage } from './walk-stages.ts';

/** A port that an EXPOSE names. */
export interface ExposedPort {
  readonly on: Instruction;
  readonly word: Word;
  /** The word, or a part of what its variables hold. */
  readonly text: string;
  readonly port: ReadPort;
}

/** Every port of the stages that builders accept, in order. */
export function* exposedPorts(stages: readonly WalkedStage[]): Generator<ExposedPort> {
  for (const { lines } of stages) {
    for (const { instruction: on, words } of lines) {
      if (on.kind !== 'EXPOSE') continue;
      for (const word of on.words) {
        for (const text of words.get(word)?.words ?? []) {
          const port = readPort(text);
          if (port !== undefined) yield { on, word, text, port };
        }
      }
    }
  }
}

/** Puts `text` in the place of the port; undefined where that is not written in the file as it is. */
export const replacePort = ({ word, text }: ExposedPort, by: string): readonly Edit[] | undefined =>
  text === word.text ? [{ range: word.range, text: by }] : undefined;
