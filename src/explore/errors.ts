import { errorMaker } from '../base/errors.ts';

type ExploreErrors = {
  EXPLORE_LAYER: { image: string; wanted: string; layers: number };
  EXPLORE_PATH: {
    path: string;
    layer: number | undefined;
    removedBy: number | undefined;
    near: readonly string[];
  };
  EXPLORE_FOLDER: { path: string };
  EXPLORE_SPECIAL: { path: string; kind: string };
  EXPLORE_THERE: { path: string };
  EXPLORE_WRITE: { path: string; why: string };
};

/** Errors of looking into images. */
export const exploreError = errorMaker<ExploreErrors>({
  EXPLORE_LAYER: ({ image, wanted, layers }) => ({
    message: `${image} has no layer ${wanted}: ${layers === 0 ? 'it has none at all' : `they go from 0 to ${layers - 1}`}`,
    hint: `dobos explore ${image} lists them`,
  }),
  EXPLORE_PATH: ({ path, layer, removedBy, near }) => ({
    message: `there is no /${path} in ${layer === undefined ? 'the image' : `the image as it is after layer ${layer}`}`,
    hint:
      removedBy !== undefined
        ? `layer ${removedBy} removed it: --layer ${removedBy - 1} still has it`
        : near.length > 0
          ? `near it there is ${near.map((each) => `/${each}`).join(', ')}`
          : undefined,
  }),
  EXPLORE_FOLDER: ({ path }) => ({
    message: `/${path} is a directory`,
    hint: `dobos ls lists it, dobos extract takes it out whole`,
  }),
  EXPLORE_SPECIAL: ({ path, kind }) => `/${path} is a ${kind}, it has no content`,
  EXPLORE_THERE: ({ path }) => ({
    message: `${path} is there already, and nothing is overwritten`,
    hint: 'name a place that is free, or remove it first',
  }),
  EXPLORE_WRITE: ({ path, why }) => `cannot write ${path}: ${why}`,
});
