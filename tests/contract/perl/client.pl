#!/usr/bin/perl
# Drives Business::OnlinePayment::IPPay, a client nobody here wrote: one JSON order a line in, one JSON answer a line out.
# First argument: the file that will hold the sandbox's ready line.
use strict;
use warnings;
use Business::OnlinePayment;
use HTTP::Tiny;
use JSON::PP;

my $json = JSON::PP->new->utf8->canonical;
my $ready = await_ready($ARGV[0]);
$| = 1;
print $json->encode({ready => 1}), "\n";

while (my $line = <STDIN>) {
    my $order = $json->decode($line);
    my $answer = $order->{content} ? submit($order->{content}) : control(@$order{qw(method path body)});
    print $json->encode($answer), "\n";
}

sub await_ready {
    my ($file) = @_;
    for (1 .. 1200) {
        if (open(my $handle, '<', $file)) {
            my $line = <$handle>;
            return $json->decode($line) if defined $line && $line =~ /\n\z/;
        }
        select(undef, undef, undef, 0.05);
    }
    die "the sandbox did not get ready\n";
}

sub submit {
    my ($content) = @_;
    no warnings;    # the client warns about every field it was not given
    my $transaction = Business::OnlinePayment->new('IPPay');
    $transaction->server('127.0.0.1');
    $transaction->test_transaction(1);
    $transaction->content(%$content);
    $transaction->submit;
    return {map { $_ => $transaction->$_ }
        qw(is_success result_code error_message order_number authorization avs_code cvv2_response)};
}

sub control {
    my ($method, $path, $body) = @_;
    my $answer = HTTP::Tiny->new->request($method, "$ready->{host_url}/_sandbox/$path",
        defined $body ? {content => $json->encode($body), headers => {'Content-Type' => 'application/json'}} : {});
    die "$method $path: $answer->{status} $answer->{content}\n" unless $answer->{success};
    return $json->decode($answer->{content});
}
