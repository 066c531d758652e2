# The peer in Perl, with Gearman::Client and Gearman::Worker. What peers do stands in ../peers.rs.
use strict;
use warnings;
use Gearman::Client;
use Gearman::Worker;

my ($mode, $host, $port, $count) = @ARGV;
$| = 1;

sub work {
    my $worker = Gearman::Worker->new;
    $worker->job_servers("$host:$port");
    $worker->register_function(reverse => sub { scalar reverse $_[0]->arg });
    $worker->register_function(talks => sub {
        my $job = shift;
        $job->set_status(1, 2);
        $job->set_status(2, 2);
        return "three";
    });
    $worker->register_function(throws => sub { die "boom\n" });
    $worker->register_function(fails  => sub { return undef });
    $worker->work while 1;
}

sub client {
    my $client = Gearman::Client->new(@_);
    $client->job_servers("$host:$port");
    return $client;
}

# Runs a job to its end; what it was told, an event after the other.
sub told {
    my ($client, $function, $body, %more) = @_;
    my @events;
    my $tasks = $client->new_task_set;
    $tasks->add_task(Gearman::Task->new($function, \$body, {
        on_data      => sub { push @events, "data ${$_[0]}" },
        on_warning   => sub { push @events, "warning ${$_[0]}" },
        on_status    => sub { push @events, "status $_[0]/$_[1]" },
        on_complete  => sub { push @events, "complete ${$_[0]}" },
        on_exception => sub { chomp(my $text = $_[0]); push @events, "exception" },
        on_fail      => sub { push @events, "fail" },
        %more,
    }));
    $tasks->wait(timeout => 60);
    return @events;
}

my %modes = (
    work  => \&work,
    verbs => sub {
        my $client = client();
        for my $priority (qw(normal high low)) {
            my ($end) = told($client, reverse => "abc", priority => $priority);
            $end =~ s/^complete //;
            print "$priority $end\n";
        }
        print "$_ ", join("|", told($client, $_, "x")), "\n" for qw(talks throws fails);
    },
    many => sub {
        my ($client, $whole) = (client(), 0);
        my $tasks = $client->new_task_set;
        for my $i (1 .. $count) {
            my $body = "job $i";
            $tasks->add_task(reverse => $body, {
                on_complete => sub { $whole += ${$_[0]} eq reverse $body },
            });
        }
        $tasks->wait(timeout => 60);
        print "$whole\n";
    },
    large => sub {
        my $body = pack "C*", map { $_ % 251 } 0 .. $count - 1;
        my $result = client()->do_task(reverse => \$body);
        print $result && $$result eq reverse($body) ? "whole\n" : "damaged\n";
    },
    background => sub {
        my $client = client();
        my %handles = map { $client->dispatch_background(reverse => $_) => 1 } 1 .. $count;
        print scalar(keys %handles), "\n";
    },
    coalesce => sub {
        my $client = client();
        my %handles = map { $client->dispatch_background(nobody => "x", { uniq => "same" }) => 1 } 1, 2;
        print keys %handles == 1 ? "one job\n" : "two jobs\n";
    },
    status => sub {
        my $client = client();
        my $status = $client->get_status($client->dispatch_background(nobody => "x"));
        print $status->known && !$status->running ? "waiting" : "wrong";
        my $handle = $client->dispatch_background(reverse => "x");
        1 while $client->get_status($handle)->known;
        print ", done\n";
    },
    timeout => sub {
        my $result = client()->do_task(nobody => "x", { timeout => 0.3 });
        print defined $result ? "answered\n" : "timeout\n";
    },
);
$modes{$mode}->();
