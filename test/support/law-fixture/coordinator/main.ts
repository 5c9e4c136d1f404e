export const coordinator = 1;
