"""PSC Accounting: attachments of invoices, expenses, payroll and bank statements."""
