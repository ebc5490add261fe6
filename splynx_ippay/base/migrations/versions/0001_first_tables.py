"""the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from splynx_ippay.base.db import UtcDateTime, key_text
revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table('account_mirror',
    sa.Column('customer_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('wanted', sa.Integer(), nullable=False),
    sa.Column('told', sa.Integer(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=True),
    sa.Column('problem', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('customer_id')
    )
    op.create_table('ask',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('target', key_text(48), nullable=False),
    sa.Column('stage', key_text(16), nullable=False),
    sa.Column('why', sa.String(length=16), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=True),
    sa.Column('asked_at', UtcDateTime(), nullable=False),
    sa.Column('asked_by', sa.String(length=80), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('target', 'stage')
    )
    op.create_index('ask_by_customer', 'ask', ['customer_id'], unique=False)
    op.create_table('attempt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('transaction_id', key_text(18), nullable=False),
    sa.Column('submission_key', key_text(64), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('door', sa.String(length=8), nullable=False),
    sa.Column('actor', sa.String(length=80), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('partner_id', sa.Integer(), nullable=False),
    sa.Column('terminal_id', sa.String(length=32), nullable=False),
    sa.Column('environment', sa.String(length=12), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('amount_cents', sa.Integer(), nullable=False),
    sa.Column('fee_cents', sa.Integer(), nullable=False),
    sa.Column('instrument', sa.String(length=4), nullable=False),
    sa.Column('method_id', sa.Integer(), nullable=True),
    sa.Column('brand', sa.String(length=20), nullable=False),
    sa.Column('last_four', sa.String(length=4), nullable=False),
    sa.Column('token_cipher', sa.Text(), nullable=True),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('dispute', sa.String(length=5), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('excess', sa.Boolean(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('send_by_at', UtcDateTime(), nullable=False),
    sa.Column('sending_at', UtcDateTime(), nullable=True),
    sa.Column('answered_at', UtcDateTime(), nullable=True),
    sa.Column('state_at', UtcDateTime(), nullable=False),
    sa.Column('next_check_at', UtcDateTime(), nullable=True),
    sa.Column('checks', sa.Integer(), nullable=False),
    sa.Column('action_code', sa.String(length=3), nullable=False),
    sa.Column('approval', sa.String(length=16), nullable=False),
    sa.Column('response_text', sa.String(length=200), nullable=False),
    sa.Column('ip_trans_id', sa.String(length=32), nullable=False),
    sa.Column('avs', sa.String(length=8), nullable=False),
    sa.Column('cvv2', sa.String(length=8), nullable=False),
    sa.Column('learned_from', sa.String(length=12), nullable=False),
    sa.Column('in_feed_at', UtcDateTime(), nullable=True),
    sa.Column('settled_on', sa.Date(), nullable=True),
    sa.Column('return_code', sa.String(length=3), nullable=False),
    sa.CheckConstraint('amount_cents > 0', name='attempt_amount_positive'),
    sa.CheckConstraint('fee_cents >= 0 AND fee_cents < amount_cents', name='attempt_fee_within_amount'),
    sa.ForeignKeyConstraint(['parent_id'], ['attempt.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('submission_key'),
    sa.UniqueConstraint('transaction_id')
    )
    op.create_index('attempt_by_customer', 'attempt', ['customer_id', 'created_at'], unique=False)
    op.create_index('attempt_by_payer', 'attempt', ['customer_id', 'brand', 'last_four', 'created_at'], unique=False)
    op.create_index('attempt_by_state', 'attempt', ['state', 'next_check_at'], unique=False)
    op.create_table('audit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('actor', sa.String(length=80), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('action', sa.String(length=16), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('partner_id', sa.Integer(), nullable=True),
    sa.Column('before', sa.Text(), nullable=False),
    sa.Column('after', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('audit_by_time', 'audit', ['at'], unique=False)
    op.create_table('current_link',
    sa.Column('target', key_text(24), nullable=False),
    sa.Column('code', key_text(24), nullable=False),
    sa.Column('written_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('target')
    )
    op.create_table('customer_note',
    sa.Column('customer_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('no_auto', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('since', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('customer_id')
    )
    op.create_table('feed_slice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('feed', sa.String(length=32), nullable=False),
    sa.Column('terminal_id', sa.String(length=32), nullable=False),
    sa.Column('start_at', UtcDateTime(), nullable=False),
    sa.Column('end_at', UtcDateTime(), nullable=False),
    sa.Column('records', sa.Integer(), nullable=False),
    sa.Column('newest_at', UtcDateTime(), nullable=True),
    sa.Column('read_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('feed_slice_by_time', 'feed_slice', ['terminal_id', 'feed', 'start_at'], unique=False)
    op.create_table('finding',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('subject', key_text(64), nullable=False),
    sa.Column('words', sa.String(length=300), nullable=False),
    sa.Column('found_at', UtcDateTime(), nullable=False),
    sa.Column('handled_at', UtcDateTime(), nullable=True),
    sa.Column('handled_by', sa.String(length=80), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('kind', 'subject')
    )
    op.create_table('hook_event',
    sa.Column('digest', key_text(64), nullable=False),
    sa.Column('target', key_text(24), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('done_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('digest')
    )
    op.create_index('hook_event_by_time', 'hook_event', ['received_at'], unique=False)
    op.create_table('installation',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('quarantined_at', UtcDateTime(), nullable=True),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('recovered_at', UtcDateTime(), nullable=True),
    sa.Column('report', sa.Text(), nullable=False),
    sa.Column('released_by', sa.String(length=80), nullable=False),
    sa.Column('released_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('lease',
    sa.Column('name', key_text(64), nullable=False),
    sa.Column('holder', sa.String(length=80), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=False),
    sa.Column('ran_at', UtcDateTime(), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('problem', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('limit_hit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('bucket', key_text(96), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('limit_hit_by_key', 'limit_hit', ['bucket', 'at'], unique=False)
    op.create_table('link',
    sa.Column('code', key_text(24), nullable=False),
    sa.Column('document', sa.String(length=8), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.String(length=80), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=True),
    sa.Column('revoked_at', UtcDateTime(), nullable=True),
    sa.Column('revoked_by', sa.String(length=80), nullable=False),
    sa.Column('replaced_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('code')
    )
    op.create_table('method',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('partner_id', sa.Integer(), nullable=False),
    sa.Column('terminal_id', sa.String(length=32), nullable=False),
    sa.Column('environment', sa.String(length=12), nullable=False),
    sa.Column('instrument', sa.String(length=4), nullable=False),
    sa.Column('token_cipher', sa.Text(), nullable=False),
    sa.Column('token_mark', key_text(32), nullable=False),
    sa.Column('brand', sa.String(length=20), nullable=False),
    sa.Column('last_four', sa.String(length=4), nullable=False),
    sa.Column('exp_month', sa.Integer(), nullable=True),
    sa.Column('exp_year', sa.Integer(), nullable=True),
    sa.Column('holder', sa.String(length=60), nullable=False),
    sa.Column('postal_code', sa.String(length=12), nullable=False),
    sa.Column('routing', sa.String(length=9), nullable=False),
    sa.Column('account_kind', sa.String(length=20), nullable=False),
    sa.Column('is_default', sa.Boolean(), nullable=False),
    sa.Column('backup_at', UtcDateTime(), nullable=True),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('changed_at', UtcDateTime(), nullable=False),
    sa.Column('consent_version', sa.String(length=20), nullable=False),
    sa.Column('consent_text', sa.Text(), nullable=False),
    sa.Column('consent_at', UtcDateTime(), nullable=True),
    sa.Column('consent_address', sa.String(length=45), nullable=False),
    sa.Column('revoked_at', UtcDateTime(), nullable=True),
    sa.Column('revoked_by', sa.String(length=80), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('method_by_customer', 'method', ['customer_id', 'status'], unique=False)
    op.create_index('method_by_token', 'method', ['token_mark'], unique=False)
    op.create_table('method_update',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('method_id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('message', key_text(32), nullable=False),
    sa.Column('code', sa.String(length=4), nullable=False),
    sa.Column('before', sa.String(length=60), nullable=False),
    sa.Column('after', sa.String(length=60), nullable=False),
    sa.Column('told_at', UtcDateTime(), nullable=False),
    sa.Column('applied_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['method_id'], ['method.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('method_id', 'message')
    )
    op.create_index('method_update_by_customer', 'method_update', ['customer_id'], unique=False)
    op.create_table('one_time_code',
    sa.Column('ticket', key_text(24), nullable=False),
    sa.Column('target', key_text(24), nullable=False),
    sa.Column('digest', sa.String(length=32), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('used_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('ticket')
    )
    op.create_index('one_time_code_by_end', 'one_time_code', ['expires_at'], unique=False)
    op.create_table('outbox_mail',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', key_text(96), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=True),
    sa.Column('values', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('sending_at', UtcDateTime(), nullable=True),
    sa.Column('state_at', UtcDateTime(), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=False),
    sa.Column('detail', sa.String(length=80), nullable=False),
    sa.Column('sent_to', sa.String(length=48), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('key')
    )
    op.create_index('outbox_mail_by_attempt', 'outbox_mail', ['attempt_id'], unique=False)
    op.create_index('outbox_mail_by_customer', 'outbox_mail', ['customer_id', 'created_at'], unique=False)
    op.create_index('outbox_mail_by_state', 'outbox_mail', ['state', 'next_at'], unique=False)
    op.create_table('run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('mode', sa.String(length=8), nullable=False),
    sa.Column('source', sa.String(length=8), nullable=False),
    sa.Column('created_by', sa.String(length=80), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('started_by', sa.String(length=80), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=True),
    sa.Column('finished_at', UtcDateTime(), nullable=True),
    sa.Column('filters', sa.JSON(), nullable=False),
    sa.Column('plan_hash', sa.String(length=64), nullable=False),
    sa.Column('item_count', sa.Integer(), nullable=False),
    sa.Column('ready_count', sa.Integer(), nullable=False),
    sa.Column('ready_cents', sa.BigInteger(), nullable=False),
    sa.Column('due_cents', sa.BigInteger(), nullable=False),
    sa.Column('total_cents', sa.BigInteger(), nullable=False),
    sa.Column('open_cents', sa.BigInteger(), nullable=False),
    sa.Column('older_count', sa.Integer(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('stop_reason', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('statement_group',
    sa.Column('title', key_text(64), nullable=False),
    sa.Column('splynx_id', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('title')
    )
    op.create_table('terminal',
    sa.Column('terminal_id', key_text(32), nullable=False),
    sa.Column('environment', sa.String(length=12), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('stopped_at', UtcDateTime(), nullable=True),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('released_by', sa.String(length=80), nullable=False),
    sa.Column('released_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('terminal_id', 'environment')
    )
    op.create_table('asked',
    sa.Column('attempt_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by', sa.String(length=80), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempt.id'], ),
    sa.PrimaryKeyConstraint('attempt_id')
    )
    op.create_table('event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('previous_hash', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempt.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('attempt_id', 'seq')
    )
    op.create_table('feed_row',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('feed', sa.String(length=16), nullable=False),
    sa.Column('terminal_id', sa.String(length=32), nullable=False),
    sa.Column('fingerprint', key_text(64), nullable=False),
    sa.Column('transaction_id', key_text(18), nullable=False),
    sa.Column('request_type', sa.String(length=20), nullable=False),
    sa.Column('amount_cents', sa.Integer(), nullable=True),
    sa.Column('fee_cents', sa.Integer(), nullable=False),
    sa.Column('action_code', sa.String(length=3), nullable=False),
    sa.Column('approval', sa.String(length=16), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('ip_trans_id', sa.String(length=32), nullable=False),
    sa.Column('order_number', sa.String(length=40), nullable=False),
    sa.Column('ud2', sa.String(length=40), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=True),
    sa.Column('settlement_date', sa.Date(), nullable=True),
    sa.Column('read_at', UtcDateTime(), nullable=False),
    sa.Column('handled_at', UtcDateTime(), nullable=True),
    sa.Column('attempt_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempt.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('terminal_id', 'feed', 'fingerprint')
    )
    op.create_index('feed_row_by_transaction', 'feed_row', ['transaction_id', 'feed'], unique=False)
    op.create_table('line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('document', sa.String(length=8), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('amount_cents', sa.Integer(), nullable=False),
    sa.Column('rest_cents', sa.Integer(), nullable=True),
    sa.Column('terms', sa.JSON(), nullable=True),
    sa.Column('booking', sa.String(length=8), nullable=False),
    sa.Column('booking_version', sa.Integer(), nullable=False),
    sa.Column('booking_reason', sa.String(length=200), nullable=False),
    sa.Column('booking_next_at', UtcDateTime(), nullable=True),
    sa.Column('booking_tries', sa.Integer(), nullable=False),
    sa.Column('lease_until', UtcDateTime(), nullable=True),
    sa.Column('post_started_at', UtcDateTime(), nullable=True),
    sa.Column('empty_searches', sa.Integer(), nullable=False),
    sa.Column('on_account', sa.Boolean(), nullable=False),
    sa.Column('splynx_payment_id', sa.Integer(), nullable=True),
    sa.Column('seen_deleted_id', sa.Integer(), nullable=True),
    sa.Column('splynx_transaction_id', sa.Integer(), nullable=True),
    sa.Column('statement_record_id', sa.Integer(), nullable=True),
    sa.Column('statement_status', sa.String(length=10), nullable=False),
    sa.Column('statement_next_at', UtcDateTime(), nullable=True),
    sa.Column('host_row', sa.JSON(), nullable=True),
    sa.Column('hold_until', UtcDateTime(), nullable=True),
    sa.CheckConstraint('amount_cents > 0', name='line_amount_positive'),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempt.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('attempt_id', 'position')
    )
    op.create_index('line_by_booking', 'line', ['booking', 'booking_next_at'], unique=False)
    op.create_index('line_by_document', 'line', ['document', 'document_id'], unique=False)
    op.create_index('line_by_number', 'line', ['number'], unique=False)
    op.create_index('line_by_statement', 'line', ['statement_next_at'], unique=False)
    op.create_table('run_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('document', key_text(8), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('customer_name', sa.String(length=120), nullable=False),
    sa.Column('partner_id', sa.Integer(), nullable=False),
    sa.Column('method_id', sa.Integer(), nullable=True),
    sa.Column('method_label', sa.String(length=40), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('backup_method_id', sa.Integer(), nullable=True),
    sa.Column('backup_label', sa.String(length=40), nullable=False),
    sa.Column('total_cents', sa.Integer(), nullable=False),
    sa.Column('open_cents', sa.Integer(), nullable=False),
    sa.Column('amount_cents', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('reason', sa.String(length=24), nullable=False),
    sa.Column('detail', sa.String(length=200), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=True),
    sa.Column('lease_until', UtcDateTime(), nullable=True),
    sa.Column('lease_holder', key_text(80), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempt.id'], ),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('attempt_id'),
    sa.UniqueConstraint('run_id', 'document', 'document_id', 'turn')
    )
    op.create_index('run_item_by_state', 'run_item', ['run_id', 'state', 'id'], unique=False)
    op.create_table('debt_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('target', key_text(64), nullable=False),
    sa.Column('open_target', key_text(64), nullable=True),
    sa.ForeignKeyConstraint(['line_id'], ['line.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('open_target')
    )
    op.create_index('debt_key_by_target', 'debt_key', ['target'], unique=False)
    op.create_table('decision',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=True),
    sa.Column('open_for', sa.Integer(), nullable=True),
    sa.Column('submission_key', key_text(64), nullable=False),
    sa.Column('target', sa.String(length=12), nullable=False),
    sa.Column('evidence', sa.String(length=12), nullable=False),
    sa.Column('reference', sa.String(length=80), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('return_code', sa.String(length=3), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('basis_seq', sa.Integer(), nullable=False),
    sa.Column('standing', sa.String(length=10), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('person', sa.String(length=80), nullable=False),
    sa.Column('role', sa.String(length=64), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.Column('second', sa.String(length=80), nullable=False),
    sa.Column('second_role', sa.String(length=64), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempt.id'], ),
    sa.ForeignKeyConstraint(['line_id'], ['line.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('open_for'),
    sa.UniqueConstraint('submission_key')
    )
    op.create_index('decision_by_attempt', 'decision', ['attempt_id', 'id'], unique=False)



def downgrade() -> None:
    """Change them back."""
    op.drop_index('decision_by_attempt', table_name='decision')
    op.drop_table('decision')
    op.drop_index('debt_key_by_target', table_name='debt_key')
    op.drop_table('debt_key')
    op.drop_index('run_item_by_state', table_name='run_item')
    op.drop_table('run_item')
    op.drop_index('line_by_statement', table_name='line')
    op.drop_index('line_by_number', table_name='line')
    op.drop_index('line_by_document', table_name='line')
    op.drop_index('line_by_booking', table_name='line')
    op.drop_table('line')
    op.drop_index('feed_row_by_transaction', table_name='feed_row')
    op.drop_table('feed_row')
    op.drop_table('event')
    op.drop_table('asked')
    op.drop_table('terminal')
    op.drop_table('statement_group')
    op.drop_table('run')
    op.drop_index('outbox_mail_by_state', table_name='outbox_mail')
    op.drop_index('outbox_mail_by_customer', table_name='outbox_mail')
    op.drop_index('outbox_mail_by_attempt', table_name='outbox_mail')
    op.drop_table('outbox_mail')
    op.drop_index('one_time_code_by_end', table_name='one_time_code')
    op.drop_table('one_time_code')
    op.drop_index('method_update_by_customer', table_name='method_update')
    op.drop_table('method_update')
    op.drop_index('method_by_token', table_name='method')
    op.drop_index('method_by_customer', table_name='method')
    op.drop_table('method')
    op.drop_table('link')
    op.drop_index('limit_hit_by_key', table_name='limit_hit')
    op.drop_table('limit_hit')
    op.drop_table('lease')
    op.drop_table('installation')
    op.drop_index('hook_event_by_time', table_name='hook_event')
    op.drop_table('hook_event')
    op.drop_table('finding')
    op.drop_index('feed_slice_by_time', table_name='feed_slice')
    op.drop_table('feed_slice')
    op.drop_table('customer_note')
    op.drop_table('current_link')
    op.drop_index('audit_by_time', table_name='audit')
    op.drop_table('audit')
    op.drop_index('attempt_by_state', table_name='attempt')
    op.drop_index('attempt_by_payer', table_name='attempt')
    op.drop_index('attempt_by_customer', table_name='attempt')
    op.drop_table('attempt')
    op.drop_index('ask_by_customer', table_name='ask')
    op.drop_table('ask')
    op.drop_table('account_mirror')

