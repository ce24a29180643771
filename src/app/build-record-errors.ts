import { errorMaker } from '../base/errors.ts';

type RecordErrors = {
  BUILDS_UNKNOWN: { text: string; nearest: string | undefined; none: boolean };
  BUILDS_AMBIGUOUS: { text: string; ids: readonly string[] };
  BUILDS_UNREADABLE: { id: string };
  BUILDS_RUNNING: { id: string };
  BUILDS_NO_STEP: { id: string; text: string; steps: number };
  BUILDS_NO_LOG: { id: string; why: string };
  BUILDS_NOTHING_FAILED: Record<string, never>;
  BUILDS_NOTHING_LEFT: { id: string; why: string; advice: string };
};
/** Where ids are. */
export const LIST = 'dobos builds ls lists them';
/** Errors of asking for records of builds. */
export const recordError = errorMaker<RecordErrors>({
  BUILDS_UNKNOWN: ({ text, nearest, none }) => ({
    message: none
      ? `there is no record of a build "${text}": this store has none yet`
      : `there is no record of a build "${text}"`,
    hint: none
      ? 'every dobos build leaves one'
      : nearest === undefined
        ? LIST
        : `did you mean ${nearest}? ${LIST}`,
  }),
  BUILDS_AMBIGUOUS: ({ text, ids }) => ({
    message: `"${text}" is the beginning of ${ids.length} builds: ${ids.join(', ')}`,
    hint: 'give more of the id',
  }),
  BUILDS_UNREADABLE: ({ id }) => ({
    message: `the record of build ${id} cannot be read`,
    hint: `remove it with dobos builds rm ${id}`,
  }),
  BUILDS_RUNNING: ({ id }) => ({
    message: `build ${id} is running`,
    hint: 'its record can go when it has ended',
  }),
  BUILDS_NO_STEP: ({ id, text, steps }) => ({
    message: `build ${id} has no step "${text}"${steps === 0 ? '' : `, want 1 to ${steps}`}`,
    hint: `dobos builds inspect ${id} lists its steps`,
  }),
  BUILDS_NO_LOG: ({ id, why }) => ({
    message: `there is no log: ${why}`,
    hint: `dobos builds inspect ${id} says what each step did`,
  }),
  BUILDS_NOTHING_FAILED: () => ({
    message: 'no build of this store has failed in a RUN, or the same build has ended well since',
    hint: LIST,
  }),
  BUILDS_NOTHING_LEFT: ({ id, why, advice }) => ({
    message: `build ${id} has left no root file system: ${why}`,
    hint: advice,
  }),
});
