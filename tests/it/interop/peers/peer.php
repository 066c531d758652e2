<?php
// The peer in PHP, with the extension gearman. What peers do stands in ../peers.rs.
[, $mode, $host, $port] = $argv;
$count = (int) ($argv[4] ?? 0);

function client(): GearmanClient
{
    global $host, $port;
    $client = new GearmanClient();
    $client->addServer($host, (int) $port);
    $client->setTimeout(60_000);
    return $client;
}

$modes = [
    'work' => function () use ($host, $port) {
        $worker = new GearmanWorker();
        $worker->addServer($host, (int) $port);
        $worker->addFunction('reverse', fn (GearmanJob $job) => strrev($job->workload()));
        $worker->addFunction('talks', function (GearmanJob $job) {
            $job->sendData('one');
            $job->sendStatus(1, 2);
            $job->sendWarning('careful');
            $job->sendData('two');
            $job->sendStatus(2, 2);
            return 'three';
        });
        $worker->addFunction('throws', fn (GearmanJob $job) => $job->sendException('boom'));
        $worker->addFunction('fails', fn (GearmanJob $job) => $job->sendFail());
        while (true) {
            @$worker->work();
        }
    },
    'verbs' => function () {
        $client = client();
        foreach (['normal' => 'doNormal', 'high' => 'doHigh', 'low' => 'doLow'] as $name => $call) {
            echo "$name {$client->$call('reverse', 'abc')}\n";
        }
        $events = [];
        $client->setDataCallback(function ($task) use (&$events) { $events[] = "data {$task->data()}"; });
        $client->setWarningCallback(function ($task) use (&$events) { $events[] = "warning {$task->data()}"; });
        $client->setStatusCallback(function ($task) use (&$events) {
            $events[] = "status {$task->taskNumerator()}/{$task->taskDenominator()}";
        });
        $client->setCompleteCallback(function ($task) use (&$events) { $events[] = "complete {$task->data()}"; });
        $client->setExceptionCallback(function ($task) use (&$events) { $events[] = "exception {$task->data()}"; });
        $client->setFailCallback(function ($task) use (&$events) { $events[] = 'fail'; });
        foreach (['talks', 'throws', 'fails'] as $function) {
            $events = [];
            $client->addTask($function, 'x');
            @$client->runTasks();
            echo "$function ", implode('|', $events), "\n";
        }
    },
    'many' => function () use ($count) {
        $client = client();
        $whole = 0;
        $client->setCompleteCallback(function ($task) use (&$whole) {
            $whole += (int) ($task->data() === strrev("job {$task->unique()}"));
        });
        for ($i = 0; $i < $count; $i++) {
            $client->addTask('reverse', "job $i", null, (string) $i);
        }
        $client->runTasks();
        echo "$whole\n";
    },
    'large' => function () use ($count) {
        $body = substr(str_repeat(implode('', array_map('chr', range(0, 250))), intdiv($count, 251) + 1), 0, $count);
        echo client()->doNormal('reverse', $body) === strrev($body) ? "whole\n" : "damaged\n";
    },
    'background' => function () use ($count) {
        $client = client();
        $handles = [];
        for ($i = 0; $i < $count; $i++) {
            $handles[$client->doBackground('reverse', "$i")] = true;
        }
        echo count($handles), "\n";
    },
    'coalesce' => function () {
        $client = client();
        $handles = [];
        foreach ([1, 2] as $_) {
            $handles[$client->doBackground('nobody', 'x', 'same')] = true;
        }
        echo count($handles) === 1 ? "one job\n" : "two jobs\n";
    },
    'status' => function () {
        $client = client();
        [$known, $running] = $client->jobStatus($client->doBackground('nobody', 'x'));
        echo $known && !$running ? 'waiting' : 'wrong';
        $handle = $client->doBackground('reverse', 'x');
        while ($client->jobStatus($handle)[0]);
        echo ", done\n";
    },
    'timeout' => function () {
        $client = client();
        $client->setTimeout(300);
        @$client->doNormal('nobody', 'x');
        echo $client->returnCode() === GEARMAN_TIMEOUT ? "timeout\n" : $client->error() . "\n";
    },
];
$modes[$mode]();
