export const verify = 1;
