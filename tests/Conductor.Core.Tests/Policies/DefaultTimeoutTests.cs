using System.Text.Json;
using Conductor.Policies;
using Conductor.Serialization;
using Conductor.Tests.Support;

namespace Conductor.Tests.Policies;

/// <summary>The time limit of a task that sets none is the policy's.</summary>
public sealed class DefaultTimeoutTests
{
    [Fact]
    public async Task DispatchTaskAsync_NoTimeoutOfItsOwn_RunsWithThePolicysDefault()
    {
        await using var rig = await StartAsync(new TaskTimeoutPolicy(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1)));
        await rig.AddAsync(static (_, token) => ForEverAsync(token));

        var result = await rig.DriveAsync(rig.DispatchAsync(NoRetries()), TimeSpan.FromSeconds(5));

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        result.Error.Message.Should().Contain("00:00:30");
        result.Duration.Should().BeCloseTo(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task DispatchTaskAsync_TimeoutOfItsOwn_KeepsIt()
    {
        await using var rig = await StartAsync(new TaskTimeoutPolicy(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(3)));
        await rig.AddAsync(static (_, token) => ForEverAsync(token));

        var result = await rig.DriveAsync(rig.DispatchAsync(NoRetries() with { Timeout = TaskDefinition.DefaultTimeout }), TimeSpan.FromSeconds(5));

        result.Error!.Message.Should().Contain("00:02:00");
    }

    [Fact]
    public async Task DispatchTaskAsync_PolicyTakenAwayAndAnotherAdded_FollowsIt()
    {
        await using var rig = await StartAsync(new TaskTimeoutPolicy(TimeSpan.FromSeconds(30)));
        await rig.AddAsync(static (_, token) => ForEverAsync(token));
        rig.Policies.UnregisterPolicy("task_timeout");
        (await rig.DriveAsync(rig.DispatchAsync(NoRetries()), TimeSpan.FromSeconds(5))).Error!.Message.Should().Contain("00:02:00");

        rig.Policies.RegisterPolicy(new TaskTimeoutPolicy(TimeSpan.FromSeconds(10)));

        (await rig.DriveAsync(rig.DispatchAsync(NoRetries()), TimeSpan.FromSeconds(5))).Error!.Message.Should().Contain("00:00:10");
    }

    [Fact]
    public async Task EvaluateAsync_NoTimeoutOfItsOwn_IsJudgedByTheDefault()
    {
        var policy = new TaskTimeoutPolicy(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1));

        (await policy.EvaluateAsync(Context(Rig.NewTask()))).Allowed.Should().BeTrue("30 seconds are allowed, and that is what it runs with");
        var denied = await policy.EvaluateAsync(Context(Rig.NewTask() with { Timeout = TimeSpan.FromMinutes(2) }));
        denied.Allowed.Should().BeFalse();
        denied.Reason.Should().Contain("00:02:00").And.Contain("at most 00:01:00").And.Contain("unset, it is 00:00:30");
    }

    [Fact]
    public void Json_ThereAndBack_KeepsWhetherItWasSet()
    {
        var unset = Rig.NewTask();
        var set = Rig.NewTask() with { Timeout = TaskDefinition.DefaultTimeout };

        var (unsetJson, setJson) = (JsonSerializer.Serialize(unset, ConductorJson.Options), JsonSerializer.Serialize(set, ConductorJson.Options));

        unset.Timeout.Should().Be(set.Timeout);
        unsetJson.Should().NotContain("timeout");
        setJson.Should().Contain("\"timeout\":\"00:02:00\"");
        JsonSerializer.Deserialize<TaskDefinition>(unsetJson, ConductorJson.Options)!.Timeout.Should().Be(TaskDefinition.DefaultTimeout);
        JsonSerializer.Serialize(JsonSerializer.Deserialize<TaskDefinition>(unsetJson, ConductorJson.Options), ConductorJson.Options).Should().Be(unsetJson);
        JsonSerializer.Serialize(JsonSerializer.Deserialize<TaskDefinition>(setJson, ConductorJson.Options), ConductorJson.Options).Should().Be(setJson);
    }

    private static TaskDefinition NoRetries() => Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } };

    private static DispatchPolicyContext Context(TaskDefinition task) => new() { Task = task };

    private static async ValueTask<TaskData> ForEverAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return TaskData.Empty;
    }

    private static Task<Rig> StartAsync(TaskTimeoutPolicy policy) => Rig.StartAsync(new RigOptions { Policies = [policy, new AgentAvailabilityPolicy()] });
}
