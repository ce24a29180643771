/** Kind of the roots that list the images of a build's steps: id the hex of the final manifest, targets from the first step to the last. */
export const STEP_IMAGES = 'image-steps';
