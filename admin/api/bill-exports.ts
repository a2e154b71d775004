import { z } from 'zod';
import { archiveOf } from '#billing/bills/bill-archive.js';
import { asOfSchema, monthAsOf, refuseNotBegun, tooMany } from './bills.js';
import type { ApiApp } from './api.js';
import { monthAsked } from './asked-month.js';
import type { BillsApi } from './bills-api.js';
import { sendDigestedAfter } from './file-proof.js';

/** `GET /exports/{month}/bills.zip`: every bill of a month, its workbook and CSV, and the manifest that proves them. */
export function addBillExportRoute(app: ApiApp, bills: BillsApi): void {
  app.get(
    '/exports/:month/bills.zip',
    {
      config: { access: ['platform', 'finance'], media: ['application/zip'] },
      schema: {
        summary: 'Every bill of a month, with workbook, CSV and manifest, as one archive',
        params: z.object({ month: z.string().max(20).describe('YYYY-MM') }),
        querystring: z.strictObject({ asOf: asOfSchema }),
      },
    },
    async (request, reply) => {
      const { month: asked } = request.params;
      monthAsked(asked);
      const month = await monthAsOf(bills, asked, request.query.asOf);
      if (month.bills.every(({ lines }) => lines.length === 0)) refuseNotBegun(month);
      const files = await bills.renderer.month(month);
      if (files === undefined) throw tooMany();
      const name = `bills-${month.month}-v${month.version}.zip`;
      reply
        .header('content-type', 'application/zip')
        .header('content-disposition', `attachment; filename="${name}"`);
      return sendDigestedAfter(reply, archiveOf(files, month.asOf));
    },
  );
}
