using System.Text.Json;
using Conductor.Messaging;
using Conductor.Serialization;
using Conductor.Tests.Support;

namespace Conductor.Tests.Hall;

public sealed class TaskDataTests
{
    [Fact]
    public void Get_InProcess_IsTheSameReference()
    {
        var value = new Order("nails", 3);

        TaskData.From(value).Get<Order>().Should().BeSameAs(value);
        TaskData.From(value).Get<IOrder>().Should().BeSameAs(value);
        TaskData.From<IOrder>(value).Get<Order>().Should().BeSameAs(value);
    }

    [Fact]
    public void From_DataOrNothing_IsNotWrappedAgain()
    {
        var data = TaskData.From(1);

        TaskData.From(data).Should().BeSameAs(data);
        TaskData.From<string?>(null).Should().BeSameAs(TaskData.Empty);
        TaskData.FromString(null).IsEmpty.Should().BeTrue();
        TaskData.FromJson(JsonSerializer.SerializeToElement<string?>(null)).IsEmpty.Should().BeTrue();
    }

    [Fact]
    public void Equals_SameTypeAndEqualValues_IsTrue()
    {
        TaskData.From(42).Should().Be(TaskData.From(42)).And.NotBe(TaskData.From(43)).And.NotBe(TaskData.From(42L)).And.NotBe(TaskData.Empty);
        TaskData.From(42).GetHashCode().Should().Be(TaskData.From(42).GetHashCode());
        TaskData.From(new Order("nails", 3)).Should().Be(TaskData.From(new Order("nails", 3))).And.NotBe(TaskData.From<IOrder>(new Order("nails", 3)));
        TaskData.From(new Order("nails", 3)).GetHashCode().Should().Be(TaskData.From(new Order("nails", 3)).GetHashCode());
        TaskData.From("Ada").Should().Be(TaskData.FromString("Ada"));
    }

    [Fact]
    public void Equals_Json_IsOnlyItself()
    {
        var json = JsonSerializer.SerializeToElement(42);
        var data = TaskData.FromJson(json);

        data.Should().Be(data).And.NotBe(TaskData.FromJson(json)).And.NotBe(TaskData.From(42));
        TaskData.From(42).Should().NotBe(data);
    }

    [Fact]
    public void ImplicitConversion_Text_WrapsIt()
    {
        TaskData data = "Ada";

        data.Get<string>().Should().Be("Ada");
    }

    [Fact]
    public void Get_WrongType_NamesBothTypes()
    {
        var act = () => TaskData.From(new Order("nails", 3)).Get<int>();

        var thrown = act.Should().Throw<TaskValidationException>().Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.TaskValidationFailed);
        thrown.Message.Should().Contain(typeof(Order).ToString()).And.Contain(typeof(int).ToString());
    }

    [Fact]
    public void Get_WrongTypeAfterJson_IsAValidationErrorToo()
    {
        var json = TaskData.FromJson(JsonSerializer.SerializeToElement("text"));

        FluentActions.Invoking(() => json.Get<int>()).Should().Throw<TaskValidationException>().WithMessage("*JSON*Int32*");
        json.TryGet<int>(out _).Should().BeFalse();
    }

    [Fact]
    public void Get_TypeThatJsonCannotKnow_IsAValidationErrorToo()
    {
        var json = TaskData.FromJson(JsonSerializer.SerializeToElement("text"));

        FluentActions.Invoking(() => json.Get<Action>()).Should().Throw<TaskValidationException>();
    }

    /// <summary>Of these, the serializer says so in ways of its own.</summary>
    [Fact]
    public void Get_TypeThatJsonCannotMake_IsAValidationErrorThatNamesBothAndSaysWhy()
    {
        var json = TaskData.FromJson(JsonSerializer.SerializeToElement(new { Value = 1 }));

        FluentActions.Invoking(() => json.Get<IOrder>()).Should().Throw<TaskValidationException>().WithMessage("*JSON (Object)*IOrder*")
            .WithInnerException<NotSupportedException>();
        FluentActions.Invoking(() => json.Get<Unbound>()).Should().Throw<TaskValidationException>().WithMessage("*JSON (Object)*Unbound*")
            .WithInnerException<InvalidOperationException>();
        json.TryGet<Unbound>(out _).Should().BeFalse();
    }

    [Fact]
    public void Get_OfEmpty_IsAValidationErrorExceptForNothingInParticular()
    {
        FluentActions.Invoking(() => TaskData.Empty.Get<string>()).Should().Throw<TaskValidationException>().WithMessage("*empty*String*IsEmpty*TryGet*");
        TaskData.Empty.TryGet<int?>(out var nothing).Should().BeTrue();
        nothing.Should().BeNull();
        TaskData.Empty.TryGet<int>(out _).Should().BeFalse();
    }

    [Fact]
    public void ToString_SaysWhatItIs_AndNotWhatItSays()
    {
        TaskData.From("secret").ToString().Should().Be("System.String");
        TaskData.FromJson(JsonSerializer.SerializeToElement(new { Secret = 1 })).ToString().Should().Be("JSON (Object)");
        TaskData.Empty.ToString().Should().Be("empty");
    }

    /// <summary>Records print their members, also where they have none.</summary>
    [Fact]
    public void ToString_OfARecord_CountsItsCollections()
    {
        var task = Rig.NewTask() with { DependsOn = ["a", "b"], Metadata = new Dictionary<string, string> { ["secret"] = "value" }, Input = "secret" };

        task.ToString().Should().Contain("DependsOn = 2 items").And.Contain("Metadata = 1 item }").And.Contain("Input = System.String").And.NotContain(
            "secret").And.NotContain("`");
        Rig.NewTask().ToString().Should().Contain("DependsOn = 0 items").And.Contain("Metadata = 0 items").And.NotContain("`");
    }

    [Theory]
    [MemberData(nameof(PlainValues))]
    public void Json_PlainValues_ComeBack(object value)
    {
        var method = typeof(TaskDataTests).GetMethod(nameof(ThroughJson), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!;

        method.MakeGenericMethod(value.GetType()).Invoke(null, [value]).Should().BeEquivalentTo(value);
    }

    public static TheoryData<object> PlainValues => new()
    {
        "täxt \"quoted\"\n", true, 42, 42L, 4.25, 4.25m, Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"),
        new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)), TimeSpan.FromMilliseconds(1234),
        new[] { "a", "b" }, new[] { 1, 2 }, new byte[] { 1, 2, 255 }, new List<string> { "a" }, new Dictionary<string, string> { ["k"] = "v" },
    };

    [Fact]
    public void Json_TypeOfTheUsersOwn_ComesBackAsAnEqualValue()
    {
        var value = new Order("nails", 3);

        ThroughJson(value).Should().Be(value).And.NotBeSameAs(value);
    }

    [Fact]
    public void FromJson_DisposedDocument_StaysReadable()
    {
        TaskData data;
        using (var document = JsonDocument.Parse("""{"What":"nails","Count":3}"""))
        {
            data = TaskData.FromJson(document.RootElement);
        }

        data.Get<Order>().Should().Be(new Order("nails", 3));
        data.Get<JsonElement>().GetProperty("Count").GetInt32().Should().Be(3);
    }

    /// <summary>Records that check themselves, as they should, and the library's own that do.</summary>
    [Fact]
    public void Get_ConstructorOrSetterThrows_IsAValidationErrorThatNamesBothAndSaysWhy()
    {
        var json = TaskData.FromJson(JsonSerializer.SerializeToElement(new { Value = 500, agent_id = "a", status = "running", progress = 500 }));

        FluentActions.Invoking(() => json.Get<Checked>()).Should().Throw<TaskValidationException>().WithMessage("*JSON (Object)*Checked*too much*")
            .WithInnerException<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => json.Get<CheckedLater>()).Should().Throw<TaskValidationException>().WithMessage("*CheckedLater*")
            .WithInnerException<FormatException>();
        json.TryGet<Checked>(out _).Should().BeFalse();
        json.TryGet<CheckedLater>(out _).Should().BeFalse();
        json.TryGet<StatusUpdate>(out _).Should().BeFalse();
    }

    [Fact]
    public void Get_OutOfMemoryOnTheWay_IsNotHidden()
    {
        var json = TaskData.FromJson(JsonSerializer.SerializeToElement(new { Value = 1 }));

        FluentActions.Invoking(() => json.TryGet<Greedy>(out _)).Should().Throw<OutOfMemoryException>();
    }

    [Fact]
    public void Get_JsonAsAnObject_IsTheJson()
    {
        var json = TaskData.FromJson(JsonSerializer.SerializeToElement(5));

        json.Get<object>().Should().BeOfType<JsonElement>().Which.GetInt32().Should().Be(5);
        json.Get<TaskData>().Should().BeSameAs(json);
    }

    private static T ThroughJson<T>(T value)
    {
        var json = JsonSerializer.Serialize(TaskData.From(value), ConductorJson.Options);
        return JsonSerializer.Deserialize<TaskData>(json, ConductorJson.Options)!.Get<T>();
    }

    private interface IOrder;

    private sealed record Order(string What, int Count) : IOrder;

    private sealed class Unbound(int elsewhere)
    {
        public int Value => elsewhere;
    }

    private sealed record Checked
    {
        public Checked(int value) => Value = value <= 100 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "too much");

        public int Value { get; }
    }

    private sealed class CheckedLater
    {
        public int Value { get => 0; set => throw new FormatException($"not {value}"); }
    }

    private sealed class Greedy
    {
#pragma warning disable CA2201 // What the runtime throws when there is no memory left.
        public int Value { get => 0; set => throw new OutOfMemoryException($"{value}"); }
#pragma warning restore CA2201
    }
}
