/** The roles of the API. */
export type Role = 'platform' | 'finance' | 'team-lead' | 'analyst';
